namespace Orchestrator.Bulk;

/// <summary>The status codes of gRPC, by their numbers on the wire.</summary>
public enum BulkStatus
{
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>Thrown by a resolver or a receiver: the stream ends with this status and message, and the connection goes on.</summary>
public sealed class BulkRejectedException(BulkStatus status, string message) : Exception(message)
{
    public BulkStatus Status { get; } = status;
}

/// <summary>A link cannot be made or was lost: which peer, after how much, why. It can be tried again.</summary>
public sealed class BulkLinkException(string message, Exception? cause = null) : Exception(message, cause);
