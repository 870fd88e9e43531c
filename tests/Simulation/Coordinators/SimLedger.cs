using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Core.Ledger;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The ledger's file: every logical rank of every step once, and the steps that were taken again from a checkpoint abandoned.</summary>
internal sealed class SimLedger
{
    private readonly SortedDictionary<long, HashSet<int>> _steps = [];

    private readonly List<FedReport> _lineage = [];
    private long _start;
    private object? _writer;

    /// <summary>Another coordinator goes on with the file. What the former one writes reaches nobody from now on.</summary>
    /// <returns>What it finds.</returns>
    public LedgerTail TakeOver(object writer, int logicalRanks)
    {
        _writer = writer;
        return LedgerTail.Of(logicalRanks, _start, _lineage);
    }

    /// <param name="reports">Of steps.</param>
    /// <param name="writer">Who writes: the first one, until another takes over; one that was taken over from writes nothing.</param>
    public void Append(ImmutableArray<FedReport> reports, object? writer = null)
    {
        _writer ??= writer;
        if (writer != _writer)
        {
            return;
        }

        _lineage.AddRange(reports);
        foreach (var entry in reports.SelectMany(report => report.Entries))
        {
            var ranks = _steps.TryGetValue(entry.Step, out var known) ? known : _steps[entry.Step] = [];
            if (!ranks.Add(entry.LogicalRank))
            {
                throw new SimViolationException($"the ledger has rank {entry.LogicalRank} of step {entry.Step} twice");
            }
        }
    }

    /// <summary>Steps behind this one are taken again.</summary>
    public void Abandon(long step)
    {
        _start = step;
        _lineage.Clear();
        foreach (var later in _steps.Keys.Where(each => each > step).ToList())
        {
            _steps.Remove(later);
        }
    }

    /// <returns>The first rank that is missing; null: every rank of every step is there.</returns>
    public (long Step, int Rank)? FirstGap(int logicalRanks, long steps)
    {
        for (var step = 1L; step <= steps; step++)
        {
            var ranks = _steps.GetValueOrDefault(step) ?? [];
            if (ranks.Count < logicalRanks)
            {
                return (step, Enumerable.Range(0, logicalRanks).First(rank => !ranks.Contains(rank)));
            }
        }

        return null;
    }
}
