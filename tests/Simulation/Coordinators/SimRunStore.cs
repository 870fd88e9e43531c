using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Simulation.Owners;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The store that the coordinators of a simulated cluster share: the lease, and the run as it was stored last.</summary>
internal sealed class SimRunStore(SimClock clock, bool takesAnyTerm)
{
    /// <summary>Ids of one ownership.</summary>
    private const long WorkerNumbers = 1000;

    private long _lastNumber;
    private int _changes;

    public SimStore Leases { get; } = new(clock, takesAnyTerm ? OwnerBug.StoreTakesAnyTerm : OwnerBug.None);

    public RunOrder? Order { get; private set; }

    public RunSnapshot? Snapshot { get; private set; }

    public bool HasWarned { get; private set; }

    public int Loads { get; private set; }

    /// <summary>One transaction. The same version again is stored once.</summary>
    /// <returns>Null: stored; else why not.</returns>
    public string? Write(string owner, long term, long version, RunOrder order, RunSnapshot snapshot, IEnumerable<RunRecord> records)
    {
        var before = Leases.Version;
        if (Leases.Write(owner, term, version, [++_changes]) is { } problem)
        {
            return problem;
        }

        if (Leases.Version > before)
        {
            (Order, Snapshot) = (order, snapshot);
            foreach (var record in records)
            {
                HasWarned |= record is RunRecord.RunWarned;
                Loads += record is RunRecord.GenerationFormed { Formed.IsLoaded: true } ? 1 : 0;
            }
        }

        return null;
    }

    /// <returns>What a new owner finds, and numbers for workers that nobody else gets.</returns>
    public (RunOrder? Order, RunSnapshot? Snapshot, long Version, long LastNumber) Load()
    {
        _lastNumber += WorkerNumbers;
        return (Order, Snapshot, Leases.Version, _lastNumber);
    }
}
