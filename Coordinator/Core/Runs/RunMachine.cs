using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>The life of one run: from the queue to its end. Decides; its effects are carried out by the shell, in order.</summary>
/// <remarks>
/// Queued -> Preparing -> Running -> Ended is the quiet way. The loss of a member while Running leads over Regrouping (those who are left say
/// what they hold) back to Running in a new generation, over Paused when fewer than workers.min are left, and to Queued when nobody is.
/// A job that is wrong, or members that disagree, lead over Aborting and Saving to Ended. What a present member reports of a step counts
/// whatever generation it was in; an answer counts only for the generation that it was asked for. Every phase has its own machine; this one
/// only tells them apart.
/// </remarks>
public static class RunMachine
{
    public static RunTurn Create(RunOrder order, RunWaits waits)
    {
        var workers = order.Job.Workers;
        var phase = new RunPhase.Queued(IsGraceRunning: order.IsEmbedded, IsGraceOver: false);
        var state = new RunState
        {
            Order = order, Phase = phase, Reason = "Waits for its turn.", Scale = new Scale(workers.Desired, workers.Max), ResumeFrom = order.ResumeFrom,
            Ledger = LedgerBook.Empty with { LogicalRanks = order.Job.Training.LogicalRanks },
        };
        var queued = new RunEffect.Record(new RunRecord.RunQueued(order.Job.Name, workers.Min, workers.Desired, workers.Max, order.ResumeFrom));
        return (state, order.IsEmbedded
            ? [queued, new RunEffect.StartTimer(RunTimer.Grace, Generation.None, waits.Launch)]
            : [queued]);
    }

    public static RunTurn Step(RunState state, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        return @event switch
        {
            _ when state.Phase is RunPhase.Ended => Decide(state, @event, waits, now),
            RunEvent.WorkerSaid { Message: WorkerMessage.Progress said } by => Store(state, by, said.Generation, said.Ledger, waits, now),
            RunEvent.WorkerSaid { Message: WorkerMessage.Fed said } by => Store(state, by, said.Generation, said.Ledger, waits, now),
            RunEvent.LedgerWritten written => LedgerWriting.Written(state, written.Number, waits, now),
            RunEvent.LedgerFailed failed => LedgerWriting.Failed(state, failed.Written, failed.Reason, waits, now),
            RunEvent.TimerFired { Timer: RunTimer.LedgerAgain } => LedgerWriting.Again(state),
            _ => Decide(state, @event, waits, now),
        };
    }

    /// <summary>What was fed goes to the ledger before anything else comes of the message.</summary>
    private static RunTurn Store(
        RunState state, RunEvent.WorkerSaid @event, Generation generation, ImmutableArray<LedgerEntry> entries, RunWaits waits, DateTimeOffset now)
    {
        var (heard, stored, conflict) = LedgerNews.Hear(state, @event.Worker, generation, entries);
        if (conflict is not null && state is { Crew: { } crew, Phase: not (RunPhase.Aborting or RunPhase.Saving) })
        {
            // The two fed different bytes, so the state is not that of a quiet run.
            var cause = new FailureCause(conflict, FailureKind.Environment, IsStateGood: false);
            return AbortingMachine.Begin(state, crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished>.Empty, cause, crew.Members.Keys, waits);
        }

        var (next, effects) = Decide(heard, @event, waits, now);
        return (next, [.. stored, .. effects]);
    }

    private static RunTurn Decide(RunState state, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        if (@event is RunEvent.WorkerSaid { Message: WorkerMessage.Heartbeat })
        {
            return (state, []);
        }

        if (@event is RunEvent.WorkerSaid said && !state.Joiners.ContainsKey(said.Worker)
            && AskedFor(state, said.Message) is { } generation && generation != state.Generation)
        {
            return (state, [Note($"{said.Message.GetType().Name} of {said.Worker} is of {generation}; the run is in {state.Generation}.")]);
        }

        if (@event is RunEvent.Tick && !state.Deferrals.IsEmpty)
        {
            state = DeferRule.Forgive(state, waits, now);
        }

        if (@event is RunEvent.WorkerLost lost && state.Crew is { } crew && crew.Members.TryGetValue(lost.Worker, out var member))
        {
            state = state with { Lost = state.Lost.SetItem(lost.Worker, member) };
        }

        if (@event is RunEvent.ScaleRequested scale && state.Phase is not RunPhase.Ended)
        {
            return Scaling.Set(state, scale.Desired);
        }

        if (@event is RunEvent.ShareLowered lowered)
        {
            return Sharing.Lower(state, lowered.Workers, lowered.Reason);
        }

        if (@event is RunEvent.LeaversKept kept)
        {
            return Sharing.Keep(state, kept.Workers);
        }

        return (state.Phase, @event) switch
        {
            (RunPhase.Queued queued, _) => QueuedMachine.Step(state, queued, @event, waits, now),
            (RunPhase.Preparing preparing, _) => PreparingMachine.Step(state, preparing, @event, now),
            (RunPhase.Running running, _) => RunningMachine.Step(state, running, @event, waits, now),
            (RunPhase.Regrouping regrouping, _) => RegroupingMachine.Step(state, regrouping, @event, waits, now),
            (RunPhase.Paused paused, _) => PausedMachine.Step(state, paused, @event, waits, now),
            (RunPhase.Reviving reviving, _) => RevivingMachine.Step(state, reviving, @event, waits, now),
            (RunPhase.Aborting aborting, _) => AbortingMachine.Step(state, aborting, @event, waits, now),
            (RunPhase.Saving saving, _) => SavingMachine.Step(state, saving, @event, waits, now),
            _ => (state, [Note($"{@event.GetType().Name} came after the end of run {state.Id}.")]),
        };
    }

    internal static RunEffect.Note Note(string sentence) => new(sentence);

    /// <summary>What a phase has no use for.</summary>
    internal static RunTurn Ignore(RunState state, RunEvent @event) => @event is RunEvent.Tick
        ? (state, [])
        : (state, [Note($"{Describe(@event)} changes nothing while run {state.Id} is {state.Phase.GetType().Name}.")]);

    private static string Describe(RunEvent @event) => @event switch
    {
        RunEvent.WorkerSaid said => $"{said.Message.GetType().Name} of {said.Worker}",
        RunEvent.WorkerLost lost => $"The loss of {lost.Worker}",
        RunEvent.TimerFired fired => $"The timer {fired.Timer} of {fired.Generation}",
        _ => @event.GetType().Name,
    };

    /// <summary>The generation of an answer that counts for that generation only; null: the message counts in any.</summary>
    private static Generation? AskedFor(RunState state, WorkerMessage message) => message switch
    {
        WorkerMessage.Prepared m => m.Generation,
        WorkerMessage.Refused m => m.Generation,
        WorkerMessage.Failed m when state.Phase is RunPhase.Preparing => m.Generation,
        _ => null,
    };
}
