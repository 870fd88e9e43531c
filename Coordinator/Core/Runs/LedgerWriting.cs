using System.Collections.Immutable;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Hands on what the ledger is to have, and keeps it until it is known to be written: a disk may be full for a while, and the run trains on meanwhile.</summary>
/// <remarks>One piece follows the other in the file. Behind one that failed nothing is written until it is tried again, with all that came since.</remarks>
internal static class LedgerWriting
{
    /// <param name="state">The run.</param>
    /// <param name="start">A lineage begins, behind what was handed on before; null: none does.</param>
    /// <param name="reports">What was fed, in order; empty: nothing.</param>
    public static RunTurn HandOn(RunState state, LedgerStart? start, ImmutableArray<FedReport> reports)
    {
        if (start is null && reports.IsEmpty)
        {
            return (state, []);
        }

        var backlog = state.Backlog.Add(start, reports);
        return backlog.Trouble is null
            ? (state with { Backlog = backlog }, [new RunEffect.AppendLedger(backlog.LastNumber - 1, [backlog.Writes[^1]])])
            : Keep(state, backlog);
    }

    /// <summary>Everything up to a number is in the file. What waits follows at once; whoever waited for it at the run's end goes on.</summary>
    public static RunTurn Written(RunState state, long number, RunWaits waits, DateTimeOffset now)
    {
        var backlog = state.Backlog.Written(number);
        state = state with { Backlog = backlog };
        if (!backlog.Writes.IsEmpty)
        {
            return (state, backlog.Trouble is null ? [] : [backlog.Next()]);
        }

        RunTurn turn = backlog.Trouble is { } trouble ? (state with { Backlog = backlog with { Trouble = null } }, Mended(state, trouble, now)) : (state, []);
        return turn.State.Phase is RunPhase.Running { IsLedgerAwaited: true } running ? turn.Then(next => Completion.Settle(next, running, [], waits)) : turn;
    }

    /// <summary>Nothing behind a number could be written.</summary>
    public static RunTurn Failed(RunState state, long written, string reason, RunWaits waits, DateTimeOffset now)
    {
        var backlog = state.Backlog.Written(written);
        if (backlog.Writes.IsEmpty)
        {
            return (state with { Backlog = backlog }, []);
        }

        var again = new RunEffect.StartTimer(RunTimer.LedgerAgain, state.Generation, waits.LedgerAgain);
        if (backlog.Trouble is not { } known)
        {
            var told = $"{reason} The run trains on: what is fed from step {backlog.Writes[0].FirstStep} on is kept in memory, {LedgerBacklog.MaxEntries} entries at the most, "
                + $"and written as soon as that can be; it is tried again every {waits.LedgerAgain.TotalSeconds:0.#} s.";
            return Keep(state, backlog with { Trouble = new LedgerTrouble(reason, now, 1) }).Before(new RunEffect.Record(new RunRecord.LedgerFailed(state.Generation, state.Progress.Step, told)), again);
        }

        state = state with { Backlog = backlog with { Trouble = known with { Reason = reason, Tries = known.Tries + 1 } } };
        return state.Phase is RunPhase.Running { IsLedgerAwaited: true } running && known.Tries + 1 >= waits.LedgerTries ? GiveUp(state, running) : (state, [again]);
    }

    /// <summary>It is time for another try.</summary>
    public static RunTurn Again(RunState state) => state.Backlog is { Trouble: not null, Writes.IsEmpty: false } backlog ? (state, [backlog.Next()]) : (state, []);

    /// <summary>The run ends without waiting for the ledger any longer.</summary>
    public static RunTurn GiveUp(RunState state, RunPhase.Running phase) => Completion.End(state, phase with { IsLedgerGivenUp = true });

    /// <summary>Whether the run's end has to wait: what its last members fed is in this coordinator's memory only.</summary>
    public static bool IsAwaited(RunState state, RunPhase.Running phase) => !state.Backlog.Writes.IsEmpty && !phase.IsLedgerGivenUp && !RunningMachine.Everyone(phase).Members.IsEmpty;

    /// <returns>What a person should know when the run ends and the ledger still lacks something.</returns>
    public static RunEffect[] Warn(RunState state)
    {
        if (state.Backlog is not { Trouble: { } trouble, Writes: var writes })
        {
            return [];
        }

        var lost = writes.Where(write => write.EntryCount > 0).Aggregate(trouble.Loss, LedgerLoss.With);
        return lost is null ? [] : [new RunEffect.Record(new RunRecord.RunWarned(state.Generation, state.Progress.Step, Lacks(lost, trouble.Reason)))];
    }

    private static RunTurn Keep(RunState state, LedgerBacklog backlog)
    {
        var bounded = backlog.Bounded();
        state = state with { Backlog = bounded };
        return bounded.Trouble!.Loss is not { } loss || backlog.Trouble!.Loss is not null ? (state, [])
            : (state, [new RunEffect.Record(new RunRecord.RunWarned(
                state.Generation, state.Progress.Step,
                $"More than {LedgerBacklog.MaxEntries} entries wait for the ledger. From step {loss.FirstStep} on the oldest are dropped, and `ledger verify` will name the gap. {bounded.Trouble.Reason}"))]);
    }

    private static ImmutableArray<RunEffect> Mended(RunState state, LedgerTrouble trouble, DateTimeOffset now)
    {
        var told = $"The ledger is written again, and has what was fed up to step {state.Ledger.CommittedStep}. It could not be written for {(now - trouble.Since).TotalSeconds:0.0} s.";
        var mended = new RunEffect.Record(new RunRecord.LedgerMended(state.Generation, state.Progress.Step, told));
        return trouble.Loss is { } loss ? [mended, new RunEffect.Record(new RunRecord.RunWarned(state.Generation, state.Progress.Step, Lacks(loss, trouble.Reason)))] : [mended];
    }

    private static string Lacks(LedgerLoss loss, string reason) => $"The ledger lacks entries of {loss}, and `ledger verify` will name them. {reason}";
}
