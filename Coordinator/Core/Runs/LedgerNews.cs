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

    /// <summary>Steps are committed.</summary>
    public static RunTurn Commit(RunState state, long step) => Append(state, LedgerRule.Commit(state.Ledger, step));

    /// <summary>A generation begins to train behind a step, from a checkpoint or from the initial weights: with it a lineage of the ledger does. Any other goes on from what is held. Everybody was lost
    /// who trained up to there, so nobody will report what is missing still.</summary>
    public static RunTurn Begin(RunState state, long startStep)
    {
        var (job, answer) = (state.Order.Job, state.Agreement!.Answer);
        var start = new LedgerStart(state.Id, startStep, job.Seed, job.Training.GlobalBatch, job.Training.LogicalRanks, job.Training.Epochs, answer.SampleCount, answer.DataSha256);
        // Behind what the ledger has, all of the checkpoint's steps are missing; before it, what nobody had told.
        var known = state with { Ledger = state.Ledger with { StartStep = state.Ledger.StartStep ?? state.Ledger.CommittedStep } };
        var lacking = state.FormedGenerations == 0 ? (state, []) : GiveUp(known, startStep);
        return lacking.Then(next => Append(next, LedgerRule.Begin(next.Ledger, next.Generation, startStep))).Then(next => LedgerWriting.HandOn(next, start, []));
    }

    /// <summary>Every member has reported in its generation, and with its first report what it had heard of others: what is missing of older steps is lost, and the run says so.</summary>
    /// <param name="state">The run.</param>
    /// <param name="startStep">Decided before the generation.</param>
    public static RunTurn GiveUp(RunState state, long startStep)
    {
        // A gap behind it that is so old is one as well.
        var step = state.Ledger.Gaps.IsEmpty ? startStep : Math.Max(startStep, state.Ledger.Gaps.Keys.Last());
        if (state.Ledger.StartStep is not { } start || start >= step)
        {
            return (state, []);
        }

        var (book, lacking) = LedgerRule.GiveUp(state.Ledger, step);
        var isSaid = start > startStep && !lacking.IsEmpty && lacking[0] == start + 1;
        return (state with { Ledger = book }, lacking.IsEmpty || isSaid ? []
            : [new RunEffect.Record(new RunRecord.RunWarned(state.Generation, state.Progress.Step, Lack(lacking.Length, lacking[0], lacking[^1])))]);
    }

    /// <returns>What a person should know of a ledger that is not whole.</returns>
    public static string Lack(int steps, long first, long last) =>
        $"The ledger lacks ranks of {(steps == 1 ? $"step {first}" : $"{steps} of steps {first} to {last}")}: who fed them was lost before its report, and nobody who is left had heard of them. `ledger verify` will name them.";

    private static RunTurn Append(RunState state, LedgerTurn turn) => LedgerWriting.HandOn(state with { Ledger = turn.Book }, null, turn.Stored);
}
