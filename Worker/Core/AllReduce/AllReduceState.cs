using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>Where one member stands in the all-reduce of its step.</summary>
/// <param name="Plan">Fixed for the generation.</param>
/// <param name="Step">The step that was begun last; 0: none yet.</param>
/// <param name="Prepared">This member's prepared generation, fixed when the step began.</param>
/// <param name="Present">What the present step still waits for.</param>
/// <param name="Next">What came early for the step after it: a peer may be one step ahead, never two.</param>
/// <param name="ReadyBuckets">Buckets of this member's partials that are final in the present step.</param>
/// <param name="MissingGathered">Pieces of the others' slices that are still to come.</param>
/// <param name="GatheredPrepared">The least prepared generation that any slice owner returned.</param>
/// <param name="IsDecided">Whether the present step's whole reduced gradient is held.</param>
/// <param name="Failure">Why the all-reduce ended; null while it has not.</param>
public sealed record AllReduceState(
    AllReducePlan Plan,
    long Step,
    Generation Prepared,
    StepArrivals Present,
    StepArrivals Next,
    int ReadyBuckets,
    int MissingGathered,
    Generation? GatheredPrepared,
    bool IsDecided,
    string? Failure)
{
    /// <param name="plan">The generation's plan.</param>
    public static AllReduceState Start(AllReducePlan plan) => new(
        plan, plan.StartStep, plan.Generation, StepArrivals.Empty(plan, plan.StartStep), StepArrivals.Empty(plan, plan.StartStep + 1), ReadyBuckets: plan.Buckets.Length, MissingGathered: 0,
        GatheredPrepared: null, IsDecided: true, Failure: null);

    /// <summary>Whether this member's partials are complete.</summary>
    public bool IsLocalReady => ReadyBuckets == Plan.Buckets.Length;
}

/// <summary>Partials of the collected pieces that have come for one step.</summary>
/// <param name="Missing">For each collected piece: segments of other members still to come.</param>
/// <param name="MissingInAll">Their sum.</param>
/// <param name="LeastPrepared">The least prepared generation of the members heard of; null: none yet.</param>
public sealed record StepArrivals(ImmutableArray<int> Missing, int MissingInAll, Generation? LeastPrepared)
{
    public static StepArrivals Empty(AllReducePlan plan, long step)
    {
        ImmutableArray<int> missing = [.. Enumerable.Range(0, plan.Collected.Length).Select(piece => plan.CollectionOf(step, piece).Segments)];
        return new StepArrivals(missing, missing.Sum(), null);
    }

    public StepArrivals Take(int piece, Generation prepared) =>
        new(Missing.SetItem(piece, Missing[piece] - 1), MissingInAll - 1, Least(LeastPrepared, prepared));

    public static Generation Least(Generation? known, Generation other) => known is { } value && value < other ? value : other;
}
