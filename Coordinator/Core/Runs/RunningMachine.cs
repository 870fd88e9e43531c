using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run that takes steps. The members need no word of it for a step; it listens to what they report behind the steps, and changes the members.</summary>
internal static class RunningMachine
{
    public static RunTurn Step(RunState state, RunPhase.Running phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        var turn = React(state, phase, @event, waits, now);
        return turn.State.Phase is RunPhase.Running ? turn.Then(next => ChangeMachine.Consider(next, next.Progress.Step > state.Progress.Step, waits)) : turn;
    }

    /// <returns>Null when the worker is neither in the generation in force nor in the one that comes.</returns>
    public static Candidate? Find(RunPhase.Running phase, WorkerId worker) =>
        phase.Crew.Members.GetValueOrDefault(worker) ?? phase.Change?.Candidates.GetValueOrDefault(worker);

    /// <summary>Everyone who is in the generation in force or in the one that comes.</summary>
    public static Crew Everyone(RunPhase.Running phase) => phase.Change is not { } change ? phase.Crew
        : phase.Crew with { Members = phase.Crew.Members.SetItems(change.Candidates) };

    /// <summary>Whose end the run's end waits for: once a planned change has happened, those who left are not.</summary>
    public static ImmutableSortedDictionary<WorkerId, Candidate> Awaited(RunPhase.Running phase) =>
        phase.Change is { Entered.Count: > 0 } change ? change.Candidates : phase.Crew.Members;

    private static RunTurn React(RunState state, RunPhase.Running phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid said when Find(phase, said.Worker) is not null:
                return Hear(state, phase, said, waits, now);
            case RunEvent.WorkerLost lost when Find(phase, lost.Worker) is { } member:
                var sentence = FailureCause.Loss(member, state.Progress.HighestStep, lost.Reason).Sentence;
                return Lose(state, phase, lost.Worker, new RegroupCause(sentence, now), waits, MemberNews.Lost(state, member, lost.Reason));
            case RunEvent.StopRequested when phase.IsLedgerAwaited:
                return LedgerWriting.GiveUp(state, phase);
            case RunEvent.StopRequested when phase.Retry is not null:
                // Whoever stops it does not want to wait for room on the disk.
                return Completion.End(state, phase);
            case RunEvent.StopRequested stop when state.Progress.CheckpointProblem?.Step >= phase.Crew.LastStep:
                // The same, and not every member has finished: then the run ends without another try.
                return Ending.Stop(state with { Phase = phase with { Retry = SaveRetry.None } }, stop.Reason);
            case RunEvent.StopRequested stop:
                return Ending.Stop(state, stop.Reason);
            case RunEvent.Tick tick:
                return FeedRule.TimeOut(state, tick.Pulses, waits, now).Then(next => LivenessRule.GiveUp(next, tick.Pulses, next.Progress.RoseAt, waits, now))
                    .Then(next => HangRule.GiveUp(next, tick.Pulses, waits, now));
            case RunEvent.TimerFired { Timer: RunTimer.Link } fired when fired.Generation == phase.Crew.Generation && !phase.BrokenLinks.IsEmpty:
                return LinkMachine.Judge(state, phase, waits, now);
            case RunEvent.TimerFired { Timer: RunTimer.Change } fired when fired.Generation == phase.Change?.Generation:
                return ChangeMachine.TimeOut(state, phase, phase.Change!, waits, now);
            case RunEvent.TimerFired { Timer: RunTimer.Save } fired when fired.Generation == phase.Crew.Generation && phase.Saver is not null:
                return Completion.End(state, phase with { Saver = null });
            case RunEvent.TimerFired { Timer: RunTimer.Ledger } fired when fired.Generation == phase.Crew.Generation && phase.Question?.Awaited is not null:
                return Completion.Settle(state, LedgerQuestion.Close(phase), [], waits);
            case RunEvent.TimerFired { Timer: RunTimer.SaveAgain } fired when fired.Generation == phase.Crew.Generation && phase.Retry is { IsPausing: true }:
                return Completion.SaveAgain(state, phase, waits);
            case RunEvent.WorkersOffered offered:
                return JoinerMachine.Take(state, offered.Decision);
            default:
                return JoinerMachine.Step(state, @event) ?? RunMachine.Ignore(state, @event);
        }
    }

    private static RunTurn Hear(RunState state, RunPhase.Running phase, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now)
    {
        switch (said.Message)
        {
            case WorkerMessage.Progress report when report.Generation == phase.Crew.Generation && phase.Entering.Contains(said.Worker):
                return Hear(Enter(state, phase, said.Worker), phase with { Entering = phase.Entering.Remove(said.Worker) }, said, waits, now);
            case WorkerMessage.Entered entered when entered.Generation == phase.Crew.Generation:
                return (Enter(state, phase, said.Worker), []);
            case WorkerMessage.Entered entered when phase.Change is { } change && entered.Generation == change.Generation:
                return ChangeMachine.Enter(state, phase, change, said.Worker, entered.Step, waits, now);
            case WorkerMessage.Left left when phase.Change is { } change && left.Generation == change.Generation:
                return ChangeMachine.Settle(state, phase, change with { Leaving = change.Leaving.Remove(said.Worker) }, waits, now);
            case WorkerMessage.LinkBroken broken when broken.Generation == (phase.Change?.Generation ?? phase.Crew.Generation) || broken.Generation == phase.Crew.Generation:
                return LinkMachine.Note(state, phase, said.Worker, broken, waits, now);
            case WorkerMessage.Finished finished when Completion.Counts(phase.Crew, finished):
                var (known, effects) = MemberNews.Finish(state, phase.Finished, said.Worker, finished);
                return Completion.Settle(state, phase with { Finished = known }, effects, waits);
            case WorkerMessage.Fed when phase.Question?.Awaited == said.Worker:
                return Completion.Settle(state, LedgerQuestion.Close(phase), [], waits);
            case WorkerMessage.CheckpointSaved saved when !phase.Finished.IsEmpty:
                var (next, record) = MemberNews.Checkpoint(state, said.Worker, saved, now);
                return Completion.Settle(next, phase.Saver == said.Worker && saved.Error is not null ? phase with { Saver = null } : phase, [record], waits);
            case WorkerMessage.Failed failed:
                return MemberFailure.Take(state, Find(phase, said.Worker)!, failed, phase.Finished, waits, (after, sentence, records) =>
                    Lose(after, phase, said.Worker, new RegroupCause(sentence, now), waits, records));
            case WorkerMessage.FeedBroken broken when state.Joiners.TryGetValue(said.Worker, out var joiner) && joiner.Feed == broken.FeedId:
                return ChangeMachine.CallOff(state, phase, said.Worker, $"its feed broke: {broken.Reason}", waits, now);
            default:
                return MemberNews.Hear(state, phase.Crew, phase.Finished, said, waits, now) ?? RunMachine.Ignore(state, said);
        }
    }

    private static RunState Enter(RunState state, RunPhase.Running phase, WorkerId worker) => state with { Phase = phase with { Entering = phase.Entering.Remove(worker) } };

    /// <summary>The others go on without it, unless they have all finished.</summary>
    public static RunTurn Lose(
        RunState state, RunPhase.Running phase, WorkerId worker, RegroupCause cause, RunWaits waits, params ReadOnlySpan<RunEffect> before)
    {
        if (phase.Change is { IsOver: true } change && !change.Candidates.ContainsKey(worker))
        {
            // The generation that it was leaving is over: nobody needs it any more.
            return ChangeMachine.Settle(
                state, phase with { Crew = phase.Crew.Without(worker) }, change with { Leaving = change.Leaving.Remove(worker) }, waits, cause.Since).Before(before);
        }

        state = JoinerMachine.Without(state, worker);
        var crew = Everyone(phase).Without(worker);
        if (Completion.IsComplete(Awaited(phase).Remove(worker), phase.Finished))
        {
            // All others hold the last step: they need nobody for it.
            return Completion.Settle(
                state, phase with
                {
                    Crew = phase.Crew.Without(worker), Change = phase.Change is { } under ? under with { Candidates = under.Candidates.Remove(worker) } : null,
                    Saver = phase.Saver == worker ? null : phase.Saver,
                }, [.. before], waits);
        }

        return RegroupingMachine.Begin(state, crew, phase.Finished, cause, waits, before);
    }
}
