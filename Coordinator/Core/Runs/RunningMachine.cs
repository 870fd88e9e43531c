using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run that takes steps. The members need no word of it for a step; it listens to what they report behind the steps.</summary>
internal static class RunningMachine
{
    public static RunTurn Step(
        RunState state, RunPhase.Running phase, RunEvent @event, RunWaits waits, DateTimeOffset now) => @event switch
        {
            RunEvent.WorkerSaid said when phase.Crew.Members.ContainsKey(said.Worker) => Hear(state, phase, said, waits, now),
            RunEvent.WorkerLost lost when phase.Crew.Members.ContainsKey(lost.Worker) => Lose(state, phase, lost.Worker, lost.Reason, waits),
            RunEvent.StopRequested stop => Stop(state, phase, stop.Reason),
            _ => RunMachine.Ignore(state, @event),
        };

    private static RunTurn Hear(
        RunState state, RunPhase.Running phase, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now)
    {
        switch (said.Message)
        {
            case WorkerMessage.Progress report:
                return MemberNews.Progress(state, phase.Crew, said.Worker, report, now);
            case WorkerMessage.Evaluated evaluated:
                return MemberNews.Evaluated(state, evaluated);
            case WorkerMessage.CheckpointSaved saved:
                return Checkpoint(state, said.Worker, saved, now);
            case WorkerMessage.StateDigest digest:
                return Compare(state, phase, said.Worker, digest, waits);
            case WorkerMessage.Finished finished:
                var done = phase with { Finished = phase.Finished.SetItem(said.Worker, finished) };
                return Completion.Settle(state, done, [MemberNews.Finished(state, said.Worker, finished)]);
            case WorkerMessage.Failed failed:
                return Fail(state, phase, said.Worker, failed, waits);
            case WorkerMessage.Leaving leaving:
                return Lose(state, phase, said.Worker, $"it was told to end ({leaving.Reason})", waits);
            default:
                return RunMachine.Ignore(state, said);
        }
    }

    private static RunTurn Stop(RunState state, RunPhase.Running phase, string reason)
    {
        if (phase.StopReason is not null)
        {
            return (state, [RunMachine.Note($"Run {state.Id} is ending already: {phase.StopReason}")]);
        }

        return (state with { Phase = phase with { StopReason = reason }, Reason = reason },
        [
            new RunEffect.Record(new RunRecord.RunStopping(state.Generation, state.Progress.Step, reason)),
            .. phase.Crew.Members.Keys.Select(worker => new RunEffect.Tell(worker, new CoordinatorMessage.PrepareEnd(state.Generation, reason))),
        ]);
    }

    /// <summary>A checkpoint that fails costs nothing yet; the last one is what the run was for, and is asked for when all members have finished.</summary>
    private static RunTurn Checkpoint(RunState state, WorkerId worker, WorkerMessage.CheckpointSaved saved, DateTimeOffset now)
    {
        var (next, record) = MemberNews.Checkpoint(state, worker, saved, now);
        return (next, [record]);
    }

    private static RunTurn Compare(
        RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.StateDigest digest, RunWaits waits)
    {
        var (progress, decision) = DigestRule.Add(state.Progress, phase.Crew, worker, digest.Step, digest.Sha256);
        state = state with { Progress = progress };
        if (decision.Difference is { } difference)
        {
            var cause = new FailureCause(difference, FailureKind.Internal, IsStateGood: false);
            return AbortingMachine.Begin(state, phase.Crew, phase.Finished, cause, phase.Crew.Members.Keys, waits);
        }

        var compared = new RunRecord.StateCompared(state.Generation, digest.Step, phase.Crew.Members.Count, digest.Sha256);
        return (state, decision.IsComplete ? [new RunEffect.Record(compared)] : []);
    }

    private static RunTurn Fail(
        RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.Failed failed, RunWaits waits)
    {
        var member = phase.Crew.Members[worker];
        var cause = FailureCause.Of(member, failed);

        // A broken link is seen from both ends: this member's state is good, and it may well be the one to save it.
        var able = phase.Crew.Members.Keys.Where(other => cause.HearsayOf is not null || other != worker);
        return AbortingMachine.Begin(state, phase.Crew, phase.Finished, cause, able, waits, MemberNews.Failed(state, member, failed));
    }

    private static RunTurn Lose(RunState state, RunPhase.Running phase, WorkerId worker, string how, RunWaits waits)
    {
        var member = phase.Crew.Members[worker];
        var step = state.Progress.HighestStep;
        var record = new RunEffect.Record(new RunRecord.WorkerLost(state.Generation, step, worker, member.Hello.Pid, how));
        var crew = phase.Crew.Without(worker);
        if (phase.Finished.ContainsKey(worker) || state.Progress.Checkpoint?.Step == crew.LastStep)
        {
            // It had done its part, or the last step is on disk: the run does not need it any more.
            return Completion.Settle(state, phase with { Crew = crew }, [record]);
        }

        return AbortingMachine.Begin(state, crew, phase.Finished, FailureCause.Loss(member, step, how), crew.Members.Keys, waits, record);
    }
}
