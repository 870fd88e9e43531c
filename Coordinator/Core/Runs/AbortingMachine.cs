using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A generation that is given up: everyone learns the first cause and says which step it holds.</summary>
internal static class AbortingMachine
{
    /// <param name="state">The run.</param>
    /// <param name="crew">Who is left.</param>
    /// <param name="finished">Members that hold the last step; they are not asked.</param>
    /// <param name="cause">Told to everyone.</param>
    /// <param name="able">Members whose state may be used.</param>
    /// <param name="waits">How long for answers.</param>
    /// <param name="before">Records of what happened.</param>
    public static (RunState State, ImmutableArray<RunEffect> Effects) Begin(
        RunState state, Crew crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, FailureCause cause, IEnumerable<WorkerId> able,
        RunWaits waits, params ReadOnlySpan<RunEffect> before)
    {
        var held = finished.Where(entry => crew.Members.ContainsKey(entry.Key)).ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value.Step);
        var awaiting = able.Where(worker => !held.ContainsKey(worker)).ToImmutableSortedSet();
        var phase = new RunPhase.Aborting(crew, cause, awaiting, held);
        var abort = new CoordinatorMessage.Abort(state.Generation, cause.Sentence);
        ImmutableArray<RunEffect> effects =
        [
            .. before,
            .. awaiting.Select(worker => new RunEffect.Tell(worker, abort)),
            new RunEffect.StartTimer(RunTimer.Abort, state.Generation, waits.Abort),
        ];
        return Settle(state with { Reason = cause.Sentence }, phase, effects, waits);
    }

    public static (RunState State, ImmutableArray<RunEffect> Effects) Step(
        RunState state, RunPhase.Aborting phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid { Message: WorkerMessage.Aborted aborted } said when phase.Crew.Members.ContainsKey(said.Worker):
                return Settle(state, Hold(phase, said.Worker, aborted.AppliedStep), [], waits);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Finished finished } said when phase.Crew.Members.ContainsKey(said.Worker):
                return Settle(state, Hold(phase, said.Worker, finished.Step), [], waits);
            case RunEvent.WorkerSaid { Message: WorkerMessage.CheckpointSaved saved } said when phase.Crew.Members.ContainsKey(said.Worker):
                var (next, record) = MemberNews.Checkpoint(state, said.Worker, saved, now);
                return (next, [record]);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Progress report } said when phase.Crew.Members.ContainsKey(said.Worker):
                var (progress, complete) = ProgressRule.Add(state.Progress, phase.Crew, said.Worker, report, now);
                return (state with { Progress = progress }, [.. complete.Select(step => new RunEffect.ReportStep(step))]);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Failed failed } said when phase.Crew.Members.TryGetValue(said.Worker, out var member):
                var told = new RunEffect.Record(new RunRecord.WorkerFailed(state.Generation, failed.Step, said.Worker, member.Hello.Pid, failed.Reason));

                // The other end of a broken link can still save its state; a worker with a fault of its own cannot.
                return failed.Kind == FailureKind.Environment
                    ? (state, [told])
                    : Settle(state, phase with { Awaiting = phase.Awaiting.Remove(said.Worker) }, [told], waits);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Leaving leaving } said when phase.Crew.Members.ContainsKey(said.Worker):
                return Lose(state, phase, said.Worker, $"it was told to end ({leaving.Reason})", waits);
            case RunEvent.WorkerLost lost when phase.Crew.Members.ContainsKey(lost.Worker):
                return Lose(state, phase, lost.Worker, lost.Reason, waits);
            case RunEvent.TimerFired { Timer: RunTimer.Abort } fired when fired.Generation == state.Generation:
                return Settle(state, phase with { Awaiting = phase.Awaiting.Clear() }, [], waits);
            default:
                return RunMachine.Ignore(state, @event);
        }
    }

    private static (RunState, ImmutableArray<RunEffect>) Lose(
        RunState state, RunPhase.Aborting phase, WorkerId worker, string how, RunWaits waits)
    {
        var member = phase.Crew.Members[worker];
        var step = state.Progress.HighestStep;
        var cause = phase.Cause.HearsayOf is { } witness && witness != worker
            ? new FailureCause($"{RunningMachine.Capital(member.Describe())} was lost at step {step}: {how.TrimEnd('.')}.", FailureKind.Environment)
            : phase.Cause;
        var next = phase with
        {
            Crew = phase.Crew.Without(worker), Cause = cause, Awaiting = phase.Awaiting.Remove(worker), AppliedSteps = phase.AppliedSteps.Remove(worker),
        };
        var record = new RunEffect.Record(new RunRecord.WorkerLost(state.Generation, step, worker, member.Hello.Pid, how));
        return Settle(state with { Reason = cause.Sentence }, next, [record], waits);
    }

    private static RunPhase.Aborting Hold(RunPhase.Aborting phase, WorkerId worker, long step) =>
        phase with { Awaiting = phase.Awaiting.Remove(worker), AppliedSteps = phase.AppliedSteps.SetItem(worker, step) };

    private static (RunState, ImmutableArray<RunEffect>) Settle(
        RunState state, RunPhase.Aborting phase, ImmutableArray<RunEffect> effects, RunWaits waits)
    {
        if (!phase.Awaiting.IsEmpty)
        {
            return (state with { Phase = phase }, effects);
        }

        var held = phase.Cause.IsStateGood ? phase.AppliedSteps : phase.AppliedSteps.Clear();
        var (next, saving) = SavingMachine.Begin(state, phase.Crew, phase.Cause, held, waits);
        return (next, [.. effects, .. saving]);
    }
}
