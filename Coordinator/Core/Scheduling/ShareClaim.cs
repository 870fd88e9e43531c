using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>What a run asks of the pool, and what it has.</summary>
/// <param name="Priority">Higher ones come first.</param>
/// <param name="Min">It starts with so many or not at all, and is never brought below it.</param>
/// <param name="Desired">Up to here it comes before every run of a lower priority.</param>
/// <param name="Limit">It takes no more, even when nobody else wants them.</param>
/// <param name="IsStarted">It holds a state: it keeps what it has up to Min, whatever comes.</param>
/// <param name="Held">Workers that serve it and stay, of each kind.</param>
public sealed record ShareClaim(int Priority, int Min, int Desired, int Limit, bool IsStarted, ImmutableArray<int> Held)
{
    public int HeldCount => Held.Sum();

    /// <summary>Of one that waits: so many runs behind it may start before it on workers that it could use.</summary>
    public int PassesLeft { get; init; }
}

/// <summary>Workers that are alike for every run.</summary>
/// <param name="Count">Free ones and those that serve a run.</param>
/// <param name="IsFit">For each claim, whether it may have one of them.</param>
public sealed record WorkerKind(int Count, ImmutableArray<bool> IsFit);

/// <summary>What a run shall have.</summary>
/// <param name="Outcome">Whether it gets its least.</param>
/// <param name="OfKind">Workers of each kind.</param>
/// <param name="Fit">Workers of the whole pool that it could use, whoever has them.</param>
public sealed record Share(ShareOutcome Outcome, ImmutableArray<int> OfKind, int Fit)
{
    public int Total => OfKind.Sum();

    /// <summary>Places among the claims of those that wait in front of it and can have fewer workers because of it.</summary>
    public ImmutableArray<int> Passes { get; init; } = [];
}

public enum ShareOutcome
{
    Unspecified = 0,

    /// <summary>It has its least, or gets it.</summary>
    Admitted = 1,

    /// <summary>Its least cannot be had now: it comes next.</summary>
    Next = 2,

    /// <summary>Another run waits in front of it, and may not be passed by it.</summary>
    Behind = 3,

    /// <summary>Its least is more than the whole pool has for it: the runs behind it do not wait for that.</summary>
    TooLarge = 4,
}
