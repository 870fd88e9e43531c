using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Simulation.Owners;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The store that the coordinators of a simulated cluster share: the lease, and the runs as they were stored last.</summary>
internal sealed class SimRunStore(SimClock clock, bool takesAnyTerm)
{
    /// <summary>Ids of one ownership.</summary>
    private const long WorkerNumbers = 1000;

    private long _lastNumber;
    private int _changes;

    public SimStore Leases { get; } = new(clock, takesAnyTerm ? OwnerBug.StoreTakesAnyTerm : OwnerBug.None);

    /// <summary>In the order in which they were stored first.</summary>
    public ImmutableArray<StoredRow> Rows { get; private set; } = [];

    /// <summary>As it was stored last.</summary>
    public PoolSnapshot Pool { get; private set; } = PoolSnapshot.Empty;

    public bool HasWarned { get; private set; }

    public int Loads { get; private set; }

    public StoredRow? Find(RunId run) => Rows.FirstOrDefault(row => row.Order.Id == run);

    /// <summary>One transaction. The same version again is stored once.</summary>
    /// <returns>Null: stored; else why not.</returns>
    public string? Write(string owner, long term, long version, ImmutableArray<StoredChange> changes, PoolSnapshot? pool)
    {
        var before = Leases.Version;
        if (Leases.Write(owner, term, version, [++_changes]) is { } problem)
        {
            return problem;
        }

        if (Leases.Version > before)
        {
            Pool = pool ?? Pool;
            foreach (var change in changes)
            {
                Rows = Find(change.Row.Order.Id) is { } known ? Rows.Replace(known, change.Row) : Rows.Add(change.Row);
                HasWarned |= change.Records.Any(record => record is RunRecord.RunWarned);
                Loads += change.Records.Count(record => record is RunRecord.GenerationFormed { Formed.IsLoaded: true });
            }
        }

        return null;
    }

    /// <returns>What a new owner finds, and numbers for workers that nobody else gets.</returns>
    public (ImmutableArray<StoredRow> Rows, PoolSnapshot Pool, long Version, long LastNumber) Load()
    {
        _lastNumber += WorkerNumbers;
        return (Rows, Pool, Leases.Version, _lastNumber);
    }
}
