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
        var (next, effects) = Append(state, turn);
        return (next, effects, turn.Conflict);
    }

    /// <summary>Steps are committed. What nobody has reported of a step by the time at which nobody remembers it any more, nobody will.</summary>
    public static RunTurn Commit(RunState state, long step)
    {
        var gap = LedgerRule.FirstGap(state.Ledger, state.Order.Job.Training.LogicalRanks, step - LedgerRule.MaxKeptSteps);
        return Say(Append(state, LedgerRule.Commit(state.Ledger, step)), gap);
    }

    /// <summary>A generation begins to train behind a step, from a checkpoint or from the initial weights: with it a lineage of the ledger does. Any other goes on from what is held. Everybody was lost
    /// who trained up to there, so nobody will report what is missing still.</summary>
    public static RunTurn Begin(RunState state, long startStep)
    {
        var (job, answer) = (state.Order.Job, state.Agreement!.Answer);
        var start = new LedgerStart(state.Id, startStep, job.Seed, job.Training.GlobalBatch, job.Training.LogicalRanks, job.Training.Epochs, answer.SampleCount, answer.DataSha256);
        var gap = state.FormedGenerations == 0 ? null
            : LedgerRule.FirstGap(state.Ledger with { StartStep = state.Ledger.StartStep ?? state.Ledger.CommittedStep }, job.Training.LogicalRanks, startStep);
        return Say(Append(state, LedgerRule.Begin(state.Ledger, state.Generation, startStep)).Then(next => LedgerWriting.HandOn(next, start, [])), gap);
    }

    /// <summary>Once: what is said of the first is true of those behind it.</summary>
    private static RunTurn Say(RunTurn turn, long? gap) => gap is null || turn.State.IsGapTold ? turn :
    (
        turn.State with { IsGapTold = true },
        turn.Effects.Add(new RunEffect.Record(new RunRecord.RunWarned(
            turn.State.Generation, turn.State.Progress.Step,
            $"The ledger lacks ranks of step {gap}, and perhaps of later ones: who fed them was lost, and so was a coordinator that may have heard of it. `ledger verify` will name them.")))
    );

    private static RunTurn Append(RunState state, LedgerTurn turn) => LedgerWriting.HandOn(state with { Ledger = turn.Book }, null, turn.Stored);
}
