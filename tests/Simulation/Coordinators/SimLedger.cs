using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The ledger's file: every logical rank of every step once, and the steps that were taken again from a checkpoint abandoned.</summary>
internal sealed class SimLedger
{
    private readonly SortedDictionary<long, HashSet<int>> _steps = [];

    private readonly List<FedReport> _lineage = [];
    private long _start;
    private long _number;
    private bool _isBegun;
    private object? _writer;

    /// <summary>The lowest step of what its disk did not take, while it is not in the file; null: the file has all that it was given.</summary>
    public long? UnwrittenFrom { get; private set; }

    /// <summary>Another coordinator goes on with the file. What the former one writes reaches nobody from now on.</summary>
    /// <returns>What it finds.</returns>
    public LedgerTail TakeOver(object writer, int logicalRanks)
    {
        (_writer, _number, UnwrittenFrom) = (writer, 0, null);
        return LedgerTail.Of(logicalRanks, _start, _lineage) with { IsBegun = _isBegun };
    }

    /// <param name="run">Whose it is.</param>
    /// <param name="effect">What to write.</param>
    /// <param name="isFull">Its disk takes nothing.</param>
    /// <param name="writer">Who writes: the first one, until another takes over; one that was taken over from writes nothing.</param>
    /// <returns>What the writer is told; null: nothing.</returns>
    public ClusterEvent? Write(RunId run, RunEffect.AppendLedger effect, bool isFull, object? writer = null)
    {
        _writer ??= writer;
        if (writer != _writer || effect.After > _number)
        {
            return null;
        }

        if (isFull)
        {
            UnwrittenFrom = Math.Min(UnwrittenFrom ?? long.MaxValue, effect.Writes.Min(write => write.FirstStep));
            return new ClusterEvent.LedgerFailed(run, _number, "The ledger's disk is full.");
        }

        foreach (var write in effect.Writes.Where(write => write.Number > _number))
        {
            _number = write.Number;
            if (write.Start is { } start)
            {
                Abandon(start.Step);
            }

            Append(write.Reports);
        }

        UnwrittenFrom = null;
        return new ClusterEvent.LedgerWritten(run, _number);
    }

    private void Append(ImmutableArray<FedReport> reports)
    {
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

    /// <summary>A lineage begins: steps behind this one are taken again.</summary>
    private void Abandon(long step)
    {
        (_start, _isBegun) = (step, true);
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
