namespace Orchestrator.Coordinator.Core.Ownership;

/// <summary>What one coordinator knows of its ownership. Immutable: a snapshot may be read on any thread.</summary>
public sealed record OwnershipState
{
    public OwnershipTimes Times { get; init; } = new();

    public OwnershipPhase Phase { get; init; } = new OwnershipPhase.Standby(DateTimeOffset.MinValue);

    /// <summary>Rises each time orders are given up, and is part of the owner's name at the store: what an earlier stint has sent can never be taken for this one's.</summary>
    public long Stint { get; init; } = 1;

    /// <summary>The number of the last request to the store; an answer to an older one changes nothing.</summary>
    public long LastRequest { get; init; }

    /// <summary>Why it is where it is, in a sentence.</summary>
    public string Reason { get; init; } = "Has not asked for the lease yet.";

    /// <summary>Whether orders may be given now: it owns the lease, and it cannot have lapsed at the store yet.</summary>
    /// <param name="now">By this process' own clock, which must not be set.</param>
    public bool MayOrder(DateTimeOffset now) => Phase is OwnershipPhase.Owning owning && now < owning.HoldsUntil;
}

/// <summary>Closed set.</summary>
public abstract record OwnershipPhase
{
    private OwnershipPhase() { }

    /// <summary>Another owns the lease, or nobody could be asked.</summary>
    public sealed record Standby(DateTimeOffset TryAt) : OwnershipPhase;

    /// <summary>Has asked for the lease.</summary>
    public sealed record Taking(long Request, DateTimeOffset SentAt) : OwnershipPhase;

    /// <param name="Term">Under which every write and every order goes out.</param>
    /// <param name="HoldsUntil">By its own clock: counted from when the request was SENT, less the margin.</param>
    /// <param name="Renewal">The renewal that is under way; null: none is.</param>
    /// <param name="RenewAt">When the next one begins.</param>
    /// <param name="Writes">What is to be stored, and what waits for it.</param>
    public sealed record Owning(long Term, DateTimeOffset HoldsUntil, LeaseRequest? Renewal, DateTimeOffset RenewAt, PendingWrites Writes) : OwnershipPhase;

    /// <summary>The process ends; it asks for nothing any more.</summary>
    public sealed record Ended : OwnershipPhase;
}

/// <summary>A request whose answer has not come.</summary>
public sealed record LeaseRequest(long Number, DateTimeOffset SentAt);

/// <summary>Changes of runs by number, in the order in which they were decided: up to Stored they are stored and told, up to Sent they are with the store, up to Last they wait.</summary>
/// <param name="SentAt">When those with the store were sent last; null: they failed and are sent again at RetryAt.</param>
public sealed record PendingWrites(long Stored, long Sent, long Last, DateTimeOffset? SentAt, DateTimeOffset RetryAt)
{
    public static readonly PendingWrites None = new(0, 0, 0, null, DateTimeOffset.MinValue);

    public bool IsUnderWay => Sent > Stored;
}
