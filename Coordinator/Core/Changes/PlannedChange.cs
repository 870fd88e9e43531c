using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>A change of members that nobody was lost for: the members agree among themselves behind which step it happens.</summary>
/// <param name="Generation">The one that comes.</param>
/// <param name="Members">Its members, in order.</param>
/// <param name="Candidates">The same, as they introduced themselves.</param>
/// <param name="Reason">In a sentence.</param>
public sealed record PlannedChange(
    Generation Generation, ImmutableArray<Member> Members, ImmutableSortedDictionary<WorkerId, Candidate> Candidates, string Reason)
{
    /// <summary>Members that are in it, and the steps that were decided when they came in.</summary>
    public ImmutableSortedDictionary<WorkerId, long> Entered { get; init; } = ImmutableSortedDictionary<WorkerId, long>.Empty;

    /// <summary>Leavers that are not out of the former one yet.</summary>
    public ImmutableSortedSet<WorkerId> Leaving { get; init; } = [];

    /// <summary>Every member is in it: the former generation is not needed any more.</summary>
    public bool IsOver => Entered.Count == Members.Length;
}

/// <summary>A worker on its way into a run.</summary>
/// <param name="Candidate">Who.</param>
/// <param name="Stage">How far it is.</param>
/// <param name="Generation">The one that its Prepare named.</param>
public sealed record Joiner(Candidate Candidate, JoinStage Stage, Generation Generation)
{
    /// <summary>Feeds that it may be given: after these its reason stands in the events.</summary>
    public const int MaxFeeds = 3;

    /// <summary>The present feed; 0: none yet.</summary>
    public long Feed { get; init; }

    /// <summary>Who feeds it.</summary>
    public WorkerId? Donor { get; init; }

    /// <summary>Who hung while it fed; null: nobody did.</summary>
    public WorkerId? Shunned { get; init; }

    /// <summary>Feeds so far, less those whose donor was lost.</summary>
    public int Feeds { get; init; }

    /// <summary>Steps that it has applied; -1 until it holds a donor's state.</summary>
    public long Step { get; init; } = -1;

    /// <summary>Bytes of the state that have come.</summary>
    public long Bytes { get; init; }

    /// <summary>What the last tick found of its feed, and for how long it has been so.</summary>
    public FeedPulse Pulse { get; init; }
}

public enum JoinStage
{
    Unspecified = 0,

    /// <summary>Loads job, data and the run's first state.</summary>
    Loading = 1,

    /// <summary>Is ready and waits for a donor.</summary>
    Ready = 2,

    /// <summary>Takes a donor's state, then what the members decide.</summary>
    Following = 3,

    /// <summary>Is among the members of a planned change.</summary>
    Entering = 4,
}
