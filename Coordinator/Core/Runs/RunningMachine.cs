using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run that takes steps. The members need no word of it for a step; it listens to what they report behind the steps.</summary>
internal static class RunningMachine
{
    public static (RunState State, ImmutableArray<RunEffect> Effects) Step(
        RunState state, RunPhase.Running phase, RunEvent @event, RunWaits waits, DateTimeOffset now) => @event switch
        {
            RunEvent.WorkerSaid said when phase.Crew.Members.ContainsKey(said.Worker) => Hear(state, phase, said, waits, now),
            RunEvent.WorkerLost lost when phase.Crew.Members.ContainsKey(lost.Worker) => Lose(state, phase, lost.Worker, lost.Reason, waits),
            RunEvent.StopRequested stop => Stop(state, phase, stop.Reason),
            _ => RunMachine.Ignore(state, @event),
        };

    private static (RunState, ImmutableArray<RunEffect>) Hear(
        RunState state, RunPhase.Running phase, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now)
    {
        switch (said.Message)
        {
            case WorkerMessage.Progress report:
                var (progress, complete) = ProgressRule.Add(state.Progress, phase.Crew, said.Worker, report, now);
                return (state with { Progress = progress }, [.. complete.Select(step => new RunEffect.ReportStep(step))]);
            case WorkerMessage.Evaluated evaluated:
                return MemberNews.Evaluated(state, evaluated);
            case WorkerMessage.CheckpointSaved saved:
                return Checkpoint(state, phase, said.Worker, saved, now);
            case WorkerMessage.StateDigest digest:
                return Compare(state, phase, said.Worker, digest, waits);
            case WorkerMessage.Finished finished:
                var record = new RunRecord.WorkerFinished(state.Generation, finished.Step, said.Worker, finished.Samples, finished.WeightsSha256);
                return Completion.Settle(
                    state, phase with { Finished = phase.Finished.SetItem(said.Worker, finished) }, [new RunEffect.Record(record)]);
            case WorkerMessage.Failed failed:
                return Fail(state, phase, said.Worker, failed, waits);
            case WorkerMessage.Leaving leaving:
                return Lose(state, phase, said.Worker, $"it was told to end ({leaving.Reason})", waits);
            default:
                return RunMachine.Ignore(state, said);
        }
    }

    private static (RunState, ImmutableArray<RunEffect>) Stop(RunState state, RunPhase.Running phase, string reason)
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

    /// <summary>A checkpoint that fails on the way costs nothing yet; the last one is what the run was for.</summary>
    private static (RunState, ImmutableArray<RunEffect>) Checkpoint(
        RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.CheckpointSaved saved, DateTimeOffset now)
    {
        var (next, record) = MemberNews.Checkpoint(state, worker, saved, now);
        return saved.Error is { } error && saved.Step == phase.Crew.LastStep
            ? RunEnding.Fail(
                next, $"All {saved.Step} steps are applied, but the last checkpoint could not be written: {error} {RunEnding.HowToGoOn(next)}",
                FailureKind.Environment, phase.Crew.Members.Keys, record)
            : (next, [record]);
    }

    private static (RunState, ImmutableArray<RunEffect>) Compare(
        RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.StateDigest digest, RunWaits waits)
    {
        var (progress, decision) = DigestRule.Add(state.Progress, phase.Crew, worker, digest.Step, digest.Sha256);
        state = state with { Progress = progress };
        if (decision.Difference is { } difference)
        {
            var cause = new FailureCause(difference, FailureKind.Internal, IsStateGood: false);
            return AbortingMachine.Begin(state, phase.Crew, phase.Finished, cause, phase.Crew.Members.Keys, waits);
        }

        return decision.IsComplete
            ? (state, [new RunEffect.Record(new RunRecord.StateCompared(state.Generation, digest.Step, phase.Crew.Members.Count, digest.Sha256))])
            : (state, []);
    }

    private static (RunState, ImmutableArray<RunEffect>) Fail(
        RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.Failed failed, RunWaits waits)
    {
        var member = phase.Crew.Members[worker];
        var record = new RunEffect.Record(new RunRecord.WorkerFailed(state.Generation, failed.Step, worker, member.Hello.Pid, failed.Reason));

        // A broken link is seen from both ends: the member's state is good, and it may well be the one to save it.
        var isHearsay = failed.Kind == FailureKind.Environment;
        var cause = new FailureCause(
            $"{Capital(member.Describe())} failed at step {failed.Step + 1}: {failed.Reason.TrimEnd('.')}.", failed.Kind, isHearsay ? worker : null);
        var able = phase.Crew.Members.Keys.Where(other => isHearsay || other != worker);
        return AbortingMachine.Begin(state, phase.Crew, phase.Finished, cause, able, waits, record);
    }

    private static (RunState, ImmutableArray<RunEffect>) Lose(RunState state, RunPhase.Running phase, WorkerId worker, string how, RunWaits waits)
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

        var cause = new FailureCause($"{Capital(member.Describe())} was lost at step {step}: {how.TrimEnd('.')}.", FailureKind.Environment);
        return AbortingMachine.Begin(state, crew, phase.Finished, cause, crew.Members.Keys, waits, record);
    }

    internal static string Capital(string sentence) => char.ToUpperInvariant(sentence[0]) + sentence[1..];
}
