using System.Collections.Immutable;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>What one transaction stores.</summary>
/// <param name="Runs">One of each run that has changed.</param>
/// <param name="Pool">Null: nothing of the pool has changed.</param>
internal sealed record JournalChanges(ImmutableArray<RunChange> Runs, PoolChange? Pool)
{
    public static readonly JournalChanges None = new([], null);

    public bool IsEmpty => Runs.IsEmpty && Pool is null;
}
