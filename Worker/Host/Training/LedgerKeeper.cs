using System.Collections.Immutable;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Keeps what was fed to the logical ranks that this worker computed, until the step is applied and they are reported.</summary>
/// <remarks>
/// A rank whose gradient outlives its generation keeps its entry too. It holds the ranks of one step, or of two. Called from the training thread.
/// </remarks>
internal sealed class LedgerKeeper
{
    private readonly SortedDictionary<(long Step, int LogicalRank), LedgerEntry> _entries = [];

    /// <summary>A rank that is computed again replaces its entry.</summary>
    public void Add(LedgerEntry entry) => _entries[(entry.Step, entry.LogicalRank)] = entry;

    /// <summary>The entries of a step that is applied, and of those before it; they are not kept any longer.</summary>
    /// <param name="step">Its number: steps applied with it.</param>
    public ImmutableArray<LedgerEntry> Take(long step)
    {
        var taken = _entries.Values.TakeWhile(entry => entry.Step <= step).ToImmutableArray();
        foreach (var entry in taken)
        {
            _entries.Remove((entry.Step, entry.LogicalRank));
        }

        return taken;
    }
}
