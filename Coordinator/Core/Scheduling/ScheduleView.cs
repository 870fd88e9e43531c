using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>Whether anything has changed that the shares of the runs depend on: most events are steps, and change nothing of it.</summary>
/// <remarks>Immutable collections are compared by reference, which may say too often, and never too seldom, that they differ.</remarks>
internal static class ScheduleView
{
    public static bool IsSame(ClusterState before, ClusterState after)
    {
        if (!ReferenceEquals(before.Workers, after.Workers) || before.Runs.Length != after.Runs.Length)
        {
            return false;
        }

        if (before.Runs == after.Runs)
        {
            return true;
        }

        for (var i = 0; i < after.Runs.Length; i++)
        {
            if (!ReferenceEquals(before.Runs[i], after.Runs[i]) && !IsSame(before.Runs[i], after.Runs[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsSame(RunState before, RunState after) =>
        IsSame(before.Phase, after.Phase) && before.Scale == after.Scale && ReferenceEquals(before.Leavers, after.Leavers) && ReferenceEquals(before.Refused, after.Refused)
        && ReferenceEquals(before.Crew?.Members, after.Crew?.Members) && Ending.IsWanted(before) == Ending.IsWanted(after)
        && (ReferenceEquals(before.Joiners, after.Joiners) || (before.Joiners.Count == after.Joiners.Count && before.Joiners.Keys.SequenceEqual(after.Joiners.Keys)));

    private static bool IsSame(RunPhase before, RunPhase after) => (before, after) switch
    {
        (RunPhase.Queued one, RunPhase.Queued other) => one == other,
        (RunPhase.Preparing one, RunPhase.Preparing other) => ReferenceEquals(one.Members, other.Members),
        (RunPhase.Running one, RunPhase.Running other) => one.Finished.IsEmpty == other.Finished.IsEmpty && one.IsEnding == other.IsEnding && one.Change is null == other.Change is null,
        (RunPhase.Reviving one, RunPhase.Reviving other) => ReferenceEquals(one.Back, other.Back),
        _ => before.GetType() == after.GetType(),
    };
}
