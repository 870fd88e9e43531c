using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What members say they fed, on its way to the run's ledger.</summary>
internal static class LedgerNews
{
    /// <summary>Takes the entries of a report, of whatever generation: a step that a member has applied is decided.</summary>
    /// <returns>With a conflict, the state as it was.</returns>
    public static (RunState State, ImmutableArray<RunEffect> Effects, string? Conflict) Hear(
        RunState state, WorkerId worker, Generation generation, ImmutableArray<LedgerEntry> entries)
    {
        var turn = LedgerRule.Add(state.Ledger, worker, generation, entries);
        return (state with { Ledger = turn.Book }, Append(turn), turn.Conflict);
    }

    /// <summary>Steps are committed.</summary>
    public static RunTurn Commit(RunState state, long step)
    {
        var turn = LedgerRule.Commit(state.Ledger, step);
        return (state with { Ledger = turn.Book }, Append(turn));
    }

    /// <summary>A generation begins to train behind a step.</summary>
    public static RunTurn Begin(RunState state, long startStep)
    {
        var turn = LedgerRule.Begin(state.Ledger, state.Generation, startStep);
        return (state with { Ledger = turn.Book }, Append(turn));
    }

    private static ImmutableArray<RunEffect> Append(LedgerTurn turn) => turn.Stored.IsEmpty ? [] : [new RunEffect.AppendLedger(turn.Stored)];
}
