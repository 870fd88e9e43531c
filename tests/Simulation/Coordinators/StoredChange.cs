using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>A run as the store has it.</summary>
internal sealed record StoredRow(RunOrder Order, RunSnapshot Snapshot);

/// <summary>What one transaction stores.</summary>
/// <param name="Runs">One change of each run.</param>
/// <param name="Pool">Null: nothing of the pool has changed.</param>
internal sealed record StoredChanges(ImmutableArray<StoredChange> Runs, PoolSnapshot? Pool)
{
    public bool IsEmpty => Runs.IsEmpty && Pool is null;

    /// <param name="entries">Effects in the order in which they were decided.</param>
    public static StoredChanges Of(IReadOnlyCollection<(ClusterEffect Effect, ClusterState State)> entries) => new(
        StoredChange.Of(entries.Where(entry => StoredChange.IsStored(entry.Effect))),
        entries.Where(entry => entry.Effect is ClusterEffect.StorePool).Select(entry => PoolSnapshot.Of(entry.State)).LastOrDefault());
}

/// <summary>What one transaction stores of a run, as the coordinator's journal does it.</summary>
internal sealed record StoredChange(StoredRow Row, ImmutableArray<RunRecord> Records)
{
    /// <summary>Whatever a worker or a person is told rests on the run's state.</summary>
    public static bool IsStored(ClusterEffect effect) =>
        effect is ClusterEffect.ForRun { Effect: RunEffect.Record or RunEffect.End or RunEffect.Tell { Message: not CoordinatorMessage.Recorded } };

    /// <summary>One for each run; its row is as the last of its effects leaves it.</summary>
    /// <param name="entries">Effects of runs that are stored, in the order in which they were decided.</param>
    public static ImmutableArray<StoredChange> Of(IEnumerable<(ClusterEffect Effect, ClusterState State)> entries) =>
    [
        .. entries.Select(entry => (Of: (ClusterEffect.ForRun)entry.Effect, entry.State)).GroupBy(entry => entry.Of.Run).Select(changes =>
        {
            var run = changes.Last().State.Find(changes.Key)!;
            return new StoredChange(new StoredRow(run.Order, RunSnapshot.Of(run)), [.. changes.Select(entry => entry.Of.Effect).OfType<RunEffect.Record>().Select(record => record.Entry)]);
        }),
    ];
}
