namespace Orchestrator.Storage.Relational;

/// <summary>Why the store did not do what was asked.</summary>
public enum StoreFailure
{
    Unspecified = 0,

    /// <summary>It cannot be reached, or the connection broke: whether the transaction was committed is not known. Asking again can help.</summary>
    Unavailable = 1,

    /// <summary>Others held its locks for too long. Asking again can help.</summary>
    Busy = 2,

    /// <summary>Its schema is of a newer program.</summary>
    Newer = 3,

    /// <summary>Wrong name or password, or the right to write is missing.</summary>
    NotAllowed = 4,

    /// <summary>The disk under it is full, or its file is damaged.</summary>
    Device = 5,

    /// <summary>A statement of ours that it does not take: a bug.</summary>
    Internal = 6,
}

/// <summary>The store failed; the message says where, why and what to do, and never holds a password.</summary>
public sealed class StoreException(StoreFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    public StoreFailure Failure { get; } = failure;

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient => Failure is StoreFailure.Unavailable or StoreFailure.Busy;
}
