using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>What the formation rule looks at. Immutable collections are compared by reference, which may say too often, and never too seldom, that they differ.</summary>
internal readonly record struct FormationView(ImmutableSortedDictionary<WorkerId, Candidate>? Workers, RunState? Waiting)
{
    public static FormationView Of(ClusterState state) => state.Current is { Phase: RunPhase.Queued } run ? new(state.Workers, run) : default;

    public bool Equals(FormationView other) => ReferenceEquals(Workers, other.Workers) && ReferenceEquals(Waiting, other.Waiting);

    public override int GetHashCode() => HashCode.Combine(Workers, Waiting?.Id);
}

/// <summary>What the join rule looks at, compared in the same way.</summary>
internal readonly record struct RecruitView(
    ImmutableSortedDictionary<WorkerId, Candidate>? Workers, RunId Run, ImmutableSortedDictionary<WorkerId, Candidate>? Members,
    ImmutableSortedDictionary<WorkerId, Joiner>? Joiners, ImmutableSortedSet<WorkerId>? Leavers, ImmutableSortedDictionary<WorkerId, string>? Refused, Scale Scale,
    bool IsEnding, bool IsFinishing)
{
    public static RecruitView Of(ClusterState state) => state.Current is { Phase: RunPhase.Running or RunPhase.Paused } run
        ? new(
            state.Workers, run.Id, run.Crew!.Members, run.Joiners, run.Leavers, run.Refused, run.Scale, Ending.IsWanted(run),
            run.Phase is RunPhase.Running { Finished.IsEmpty: false })
        : default;
}
