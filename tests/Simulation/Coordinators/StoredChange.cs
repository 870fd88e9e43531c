using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>What one transaction stores of the run, as the coordinator's journal does it.</summary>
internal sealed record StoredChange(RunOrder Order, RunSnapshot Snapshot, ImmutableArray<RunRecord> Records)
{
    /// <summary>Whatever a worker or a person is told rests on the run's state.</summary>
    public static bool IsStored(ClusterEffect effect) =>
        effect is ClusterEffect.ForRun { Effect: RunEffect.Record or RunEffect.End or RunEffect.Tell { Message: not CoordinatorMessage.Recorded } };

    /// <param name="entries">At least one, in the order in which they were decided.</param>
    public static StoredChange Of(IReadOnlyList<(ClusterEffect Effect, ClusterState State)> entries)
    {
        var run = entries[^1].State.Find(SimCoordinator.Run)!;
        return new StoredChange(run.Order, RunSnapshot.Of(run), [.. entries.Select(entry => (entry.Effect as ClusterEffect.ForRun)?.Effect).OfType<RunEffect.Record>().Select(record => record.Entry)]);
    }
}
