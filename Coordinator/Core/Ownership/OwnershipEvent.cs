namespace Orchestrator.Coordinator.Core.Ownership;

/// <summary>What happens to a coordinator's ownership. Closed set.</summary>
public abstract record OwnershipEvent
{
    private OwnershipEvent() { }

    /// <summary>Comes every <see cref="OwnershipTimes.TickInterval"/>.</summary>
    public sealed record Tick : OwnershipEvent;

    /// <summary>The store granted or renewed the lease.</summary>
    /// <param name="Request">Which request it answers.</param>
    /// <param name="Term">The lease's.</param>
    public sealed record Granted(long Request, long Term) : OwnershipEvent;

    /// <summary>Another has it, or it lapsed.</summary>
    /// <param name="Request">Which request it answers.</param>
    /// <param name="Remaining">Of the other's lease, by the store's clock; zero: it is free.</param>
    /// <param name="Reason">In a sentence.</param>
    public sealed record NotGranted(long Request, TimeSpan Remaining, string Reason) : OwnershipEvent;

    /// <summary>The store failed: whether the lease was granted is not known.</summary>
    public sealed record RequestFailed(long Request, string Reason) : OwnershipEvent;

    /// <summary>A change of a run was decided; orders wait for it. It has the next number.</summary>
    public sealed record Decided : OwnershipEvent;

    /// <summary>The changes up to this one are stored.</summary>
    public sealed record Stored(long Term, long Last) : OwnershipEvent;

    /// <summary>Whether the changes up to this one are stored is not known.</summary>
    public sealed record WriteFailed(long Term, long Last, string Reason) : OwnershipEvent;

    /// <summary>The store knows a newer term.</summary>
    public sealed record WriteRefused(long Term, string Reason) : OwnershipEvent;

    /// <summary>The process is to end.</summary>
    public sealed record EndRequested : OwnershipEvent;
}
