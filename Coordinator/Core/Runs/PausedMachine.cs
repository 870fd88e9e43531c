using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Too few members are left: they stay fenced with what they hold until joiners have followed, and then go on with them.</summary>
internal static class PausedMachine
{
    public static RunTurn Begin(RunState state, RunPhase.Regrouping phase, DateTimeOffset now)
    {
        var count = phase.Crew.Members.Count;
        var reason = $"{phase.Cause.Sentence} {count} of at least {state.Order.Job.Workers.Min} workers {(count == 1 ? "is" : "are")} left: "
            + "the run is paused and goes on when there are enough.";
        var paused = new RunPhase.Paused(phase.Next, phase.Crew, phase.Answers, phase.Finished, phase.Cause);
        return (state with { Phase = paused, Reason = reason, PausedSince = state.PausedSince ?? now },
            [new RunEffect.Record(new RunRecord.RunPaused(state.Generation, state.Progress.HighestStep, reason))]);
    }

    public static RunTurn Step(RunState state, RunPhase.Paused phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        var turn = React(state, phase, @event, waits, now);
        return turn.State.Phase is not RunPhase.Paused still ? turn
            : WhyEnd(turn.State, still.Crew) is { } reason ? turn.Then(next => End(next with { SuspendReason = reason, Reason = reason }, still, waits))
            : turn.Then(next => GoOn(JoinerMachine.Feed(next), still, waits));
    }

    /// <summary>Nobody may come for long, so a member that is told to end cannot wait for that: what is held is written, and the run waits in the queue.</summary>
    /// <returns>Null: nobody wants to leave, or only for other runs, and stays as long as it is needed.</returns>
    public static string? WhyEnd(RunState state, Crew crew)
    {
        var leavers = crew.Members.Keys.Where(worker => state.Leavers.Contains(worker) && !state.Shed.Contains(worker)).ToList();
        return leavers.Count == 0 || Ending.IsWanted(state) ? null
            : $"{string.Join(", ", leavers)} {(leavers.Count == 1 ? "leaves" : "leave")} while fewer than {state.Order.Job.Workers.Min} workers are there. The run waits for others.";
    }

    /// <summary>Those who are left take one more step and write it.</summary>
    private static RunTurn End(RunState state, RunPhase.Paused phase, RunWaits waits) => RegroupingMachine.Begin(state, phase.Crew, phase.Finished, phase.Cause, waits);

    private static RunTurn React(RunState state, RunPhase.Paused phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid said when phase.Crew.Members.ContainsKey(said.Worker):
                return Hear(state, phase, said, waits, now);
            case RunEvent.WorkerLost lost when phase.Crew.Members.TryGetValue(lost.Worker, out var member):
                return Lose(state, phase, lost.Worker, FailureCause.Loss(member, state.Progress.HighestStep, lost.Reason).Sentence, MemberNews.Lost(state, member, lost.Reason));
            case RunEvent.Tick tick:
                return FeedRule.TimeOut(state, tick.Pulses, waits, now).Then(next => LivenessRule.GiveUp(next, tick.Pulses, phase.Cause.Since, waits, now));
            case RunEvent.StopRequested stop:
                return Ending.Stop(state, stop.Reason).Then(next => End(next, phase, waits));
            case RunEvent.WorkersOffered offered:
                return JoinerMachine.Take(state, offered.Decision);
            case RunEvent.LaunchFailed failed:
                return AbortingMachine.Begin(
                    state, phase.Crew, phase.Finished, new FailureCause($"{phase.Cause.Sentence} {failed.Reason}", FailureKind.Environment), phase.Crew.Members.Keys, waits);
            default:
                return JoinerMachine.Step(state, @event) ?? RunMachine.Ignore(state, @event);
        }
    }

    private static RunTurn Hear(RunState state, RunPhase.Paused phase, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now) =>
        said.Message is WorkerMessage.Failed failed
            ? MemberFailure.Take(state, phase.Crew.Members[said.Worker], failed, phase.Finished, waits, (next, sentence, records) =>
                Lose(next, phase, said.Worker, sentence, records))
            : MemberNews.Hear(state, phase.Crew, phase.Finished, said, waits, now) ?? RunMachine.Ignore(state, said);

    private static RunTurn Lose(RunState state, RunPhase.Paused phase, WorkerId worker, string sentence, params ReadOnlySpan<RunEffect> before)
    {
        var left = phase with { Crew = phase.Crew.Without(worker), Answers = phase.Answers.Remove(worker), Cause = phase.Cause.And(sentence) };
        state = JoinerMachine.Without(state, worker);
        return left.Crew.Members.IsEmpty
            ? Requeue.WhenNobodyIsLeft(state, left.Crew, left.Cause, before)
            : (state with { Phase = left }, [.. before]);
    }

    /// <summary>Joiners that hold the last decided step, or all but it, are fenced with the members.</summary>
    private static RunTurn GoOn(RunTurn fed, RunPhase.Paused phase, RunWaits waits)
    {
        var state = fed.State;
        var ready = state.Joiners.Values.Where(joiner => joiner.Stage == JoinStage.Following && joiner.Step >= Math.Max(0, phase.Decided - 1)).ToList();
        if (phase.Crew.Members.Count + ready.Count < state.Order.Job.Workers.Min)
        {
            return fed;
        }

        var crew = phase.Crew with
        {
            Members = phase.Crew.Members.AddRange(ready.Select(joiner => KeyValuePair.Create(joiner.Candidate.Worker, joiner.Candidate))),
        };
        var entering = state.Joiners.SetItems(ready.Select(joiner => KeyValuePair.Create(joiner.Candidate.Worker, joiner with { Stage = JoinStage.Entering })));
        return fed.Then(next => RegroupingMachine.Begin(next with { Joiners = entering }, crew, phase.Finished, phase.Cause, waits));
    }
}
