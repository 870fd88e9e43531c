using System.Collections.Immutable;
using Orchestrator.Core.Ledger;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>The ledger's file: every logical rank of every step once, and the steps that were taken again from a checkpoint abandoned.</summary>
internal sealed class SimLedger
{
    private readonly SortedDictionary<long, HashSet<int>> _steps = [];

    public void Append(ImmutableArray<FedReport> reports)
    {
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
