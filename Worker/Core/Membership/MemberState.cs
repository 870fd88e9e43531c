using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>Where a member stands between its generations, its steps and its training thread.</summary>
public sealed record MemberState
{
    public required WorkerId Self { get; init; }

    public required int LogicalRanks { get; init; }

    /// <summary>Parts of the flat buffer in the order in which they become final.</summary>
    public required ImmutableArray<ElementRange> Buckets { get; init; }

    /// <summary>Up to so many members everybody sends to everybody; above that they add up in groups.</summary>
    public int MostDirect { get; init; } = Grouping.MostDirect;

    /// <summary>Steps that the replica holds.</summary>
    public long Applied { get; init; }

    /// <summary>The last step whose whole reduced gradient was held: Applied, or one more while it is being applied.</summary>
    public long Decided { get; init; }

    /// <summary>The reduced gradient of step Decided is still held.</summary>
    public bool HasReduced { get; init; }

    /// <summary>A step whose reduced gradient a donor gave, and that waits for the step before it to be applied.</summary>
    public long? Gift { get; init; }

    /// <summary>The newest generation that this member was fenced to or has entered; everything older is refused.</summary>
    public Generation Floor { get; init; } = Generation.None;

    /// <summary>The exchange in force; null: fenced, left, or not a member yet.</summary>
    public ExchangeUse? Exchange { get; init; }

    /// <summary>The exchange that was left behind in order and that others may still need.</summary>
    public Generation? Retired { get; init; }

    /// <summary>What Fence asked for and is not answered yet: the exchange is being closed.</summary>
    public Generation? Fencing { get; init; }

    /// <summary>The step that this member computes; null: none (before it has a generation).</summary>
    public StepPass? Pass { get; init; }

    /// <summary>What the training thread is doing; null: nothing.</summary>
    public MemberWork? Work { get; init; }

    /// <summary>The generation that comes.</summary>
    public PlannedChange? Next { get; init; }

    /// <summary>The number behind which the run is to end, when it was asked to.</summary>
    public Generation? End { get; init; }

    /// <summary>Whether this member was the lead (index 0) of its last generation.</summary>
    public bool IsLead { get; init; }

    public long LastStep { get; init; }

    public long TotalSteps { get; init; }

    /// <summary>The generation in which the end was reported; None: it was not.</summary>
    public Generation FinishedIn { get; init; } = Generation.None;

    /// <summary>Set while this member takes over another's state.</summary>
    public FeedTaken? Taking { get; init; }

    /// <summary>Joiners that this member feeds, or is to feed once the training thread has copied the state.</summary>
    public ImmutableArray<FeedGiven> Giving { get; init; } = [];

    /// <param name="self">Who this member is.</param>
    /// <param name="logicalRanks">V.</param>
    /// <param name="buckets">At least one.</param>
    /// <param name="appliedSteps">Steps that the state holds which it was prepared with.</param>
    public static MemberState Start(WorkerId self, int logicalRanks, ImmutableArray<ElementRange> buckets, long appliedSteps) => new()
    {
        Self = self, LogicalRanks = logicalRanks, Buckets = buckets, Applied = appliedSteps, Decided = appliedSteps,
    };
}

/// <summary>The exchange of the generation in force, as far as the member has to know it.</summary>
/// <param name="Plan">The generation's.</param>
/// <param name="Begun">The step that was begun last.</param>
/// <param name="ReadyBuckets">Buckets of that step that were handed over.</param>
/// <param name="Agreed">What the members agreed on behind the step that was decided last; the plan's: they go on.</param>
/// <param name="IsBroken">It waits for the coordinator's word.</param>
public sealed record ExchangeUse(AllReducePlan Plan, long Begun, int ReadyBuckets, Generation Agreed, bool IsBroken)
{
    public static ExchangeUse Open(AllReducePlan plan) => new(plan, plan.StartStep, plan.Buckets.Length, plan.Generation, IsBroken: false);

    public bool IsHandedOver => ReadyBuckets == Plan.Buckets.Length;

    /// <summary>The members leave this generation behind the step that was decided last.</summary>
    public bool IsLeft => Agreed != Plan.Generation;
}

/// <summary>The logical ranks that a member computes in a step. They stay its own whatever happens to its generation.</summary>
/// <param name="Step">The step, counted from 1.</param>
/// <param name="Owned">All of them.</param>
/// <param name="Held">Those whose pass is done.</param>
public sealed record StepPass(long Step, ImmutableSortedSet<int> Owned, ImmutableSortedSet<int> Held)
{
    public static StepPass Of(AllReducePlan plan, long step) =>
        new(step, [.. plan.OwnRanks(step).SelectMany(range => Enumerable.Range(range.First, range.Count))], []);

    /// <summary>The next rank to compute; null: all are held.</summary>
    public int? Missing => Owned.Count == Held.Count ? null : Owned.Except(Held)[0];

    /// <summary>The ranks as few ranges, rising.</summary>
    public ImmutableArray<RankRange> Ranges()
    {
        var ranges = new List<RankRange>();
        foreach (var rank in Owned)
        {
            if (ranges.Count > 0 && ranges[^1].End == rank)
            {
                ranges[^1] = ranges[^1] with { Count = ranges[^1].Count + 1 };
            }
            else
            {
                ranges.Add(new RankRange(rank, 1));
            }
        }

        return [.. ranges];
    }
}

/// <summary>A Switch that was ordered.</summary>
/// <param name="Order">What comes.</param>
/// <param name="IsConnected">All its members can be reached, so this member has prepared it.</param>
public sealed record PlannedChange(CoordinatorMessage.Switch Order, bool IsConnected)
{
    public bool Includes(WorkerId worker) => Order.Members.Any(member => member.Worker == worker);
}

/// <summary>A feed that brings this member to the others' state.</summary>
/// <param name="FeedId">Its name.</param>
/// <param name="StateStep">The step whose state has come; null: none yet.</param>
/// <param name="IsLoaded">The state was taken over; gradients follow.</param>
/// <param name="Arrived">The last step whose gradient, or state, has come.</param>
/// <param name="End">Where the feed ended: the step behind which this member belongs to the generation.</param>
public sealed record FeedTaken(long FeedId, long? StateStep, bool IsLoaded, long Arrived, (long Step, Generation Generation)? End);

/// <summary>A feed that this member gives.</summary>
/// <param name="FeedId">Its name.</param>
/// <param name="Joiner">Who gets it.</param>
/// <param name="Address">Where.</param>
/// <param name="IsReady">There is room for the copy of the state: it is the training thread's next work.</param>
/// <param name="IsBegun">The state was copied: every step that is decided is pushed.</param>
public sealed record FeedGiven(long FeedId, WorkerId Joiner, string Address, bool IsReady, bool IsBegun);
