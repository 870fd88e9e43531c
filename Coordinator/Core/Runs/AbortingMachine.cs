using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run that fails: its generation is given up, everyone learns the first cause and says which step it holds. Joiners are released.</summary>
internal static class AbortingMachine
{
    /// <param name="state">The run.</param>
    /// <param name="crew">Who is left.</param>
    /// <param name="finished">Members that hold the last step; they are not asked.</param>
    /// <param name="cause">Told to everyone.</param>
    /// <param name="able">Members whose state may be used.</param>
    /// <param name="waits">How long for answers.</param>
    /// <param name="before">Records of what happened.</param>
    public static RunTurn Begin(
        RunState state, Crew crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, FailureCause cause,
        IEnumerable<WorkerId> able, RunWaits waits, params ReadOnlySpan<RunEffect> before)
    {
        var held = finished.Where(entry => crew.Members.ContainsKey(entry.Key))
            .ToImmutableSortedDictionary(entry => entry.Key, entry => entry.Value.Step);
        var awaiting = able.Where(worker => !held.ContainsKey(worker)).ToImmutableSortedSet();
        var phase = new RunPhase.Aborting(crew, cause, awaiting, held);

        // The newest number that a member can have heard of.
        state = state with { Generation = state.LastGeneration };
        var abort = new CoordinatorMessage.Abort(state.Generation, cause.Sentence);
        var release = new CoordinatorMessage.Release($"Run {state.Id} fails: {cause.Sentence}");
        var joiners = state.Joiners.Keys.Where(joiner => !crew.Members.ContainsKey(joiner)).ToImmutableArray();
        ImmutableArray<RunEffect> effects =
        [
            .. before,
            .. awaiting.Select(worker => new RunEffect.Tell(worker, abort)),
            .. joiners.Select(worker => new RunEffect.Tell(worker, release)),
            new RunEffect.StartTimer(RunTimer.Abort, state.Generation, waits.Abort),
        ];
        return Settle(state with { Reason = cause.Sentence, Joiners = state.Joiners.Clear() }, phase, effects, waits);
    }

    public static RunTurn Step(
        RunState state, RunPhase.Aborting phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid said when phase.Crew.Members.ContainsKey(said.Worker):
                return Hear(state, phase, said, waits, now);
            case RunEvent.WorkerLost lost when phase.Crew.Members.ContainsKey(lost.Worker):
                return Lose(state, phase, lost.Worker, lost.Reason, waits);
            case RunEvent.TimerFired { Timer: RunTimer.Abort } fired when fired.Generation == state.Generation:
                return Settle(state, phase with { Awaiting = phase.Awaiting.Clear() }, [], waits);
            default:
                return RunMachine.Ignore(state, @event);
        }
    }

    private static RunTurn Hear(RunState state, RunPhase.Aborting phase, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now)
    {
        switch (said.Message)
        {
            case WorkerMessage.Aborted aborted:
                return Settle(state, Hold(phase, said.Worker, aborted.AppliedStep), [], waits);
            case WorkerMessage.Finished finished:
                return Settle(state, Hold(phase, said.Worker, finished.Step), [], waits);
            case WorkerMessage.CheckpointSaved saved:
                var (next, record) = MemberNews.Checkpoint(state, said.Worker, saved, now);
                return (next, [record]);
            case WorkerMessage.Progress report:
                return MemberNews.Progress(state, phase.Crew, said.Worker, report, now);
            case WorkerMessage.Failed failed:
                var told = MemberNews.Failed(state, phase.Crew.Members[said.Worker], failed);
                return Settle(state, phase with { Awaiting = phase.Awaiting.Remove(said.Worker) }, [told], waits);
            case WorkerMessage.Leaving leaving:
                return Lose(state, phase, said.Worker, $"it was told to end ({leaving.Reason})", waits);
            default:
                return RunMachine.Ignore(state, said);
        }
    }

    private static RunTurn Lose(
        RunState state, RunPhase.Aborting phase, WorkerId worker, string how, RunWaits waits)
    {
        var member = phase.Crew.Members[worker];
        var step = state.Progress.HighestStep;
        var next = phase with
        {
            Crew = phase.Crew.Without(worker),
            Awaiting = phase.Awaiting.Remove(worker),
            AppliedSteps = phase.AppliedSteps.Remove(worker),
        };
        var record = new RunEffect.Record(new RunRecord.WorkerLost(state.Generation, step, worker, member.Hello.Pid, how));
        return Settle(state, next, [record], waits);
    }

    private static RunPhase.Aborting Hold(RunPhase.Aborting phase, WorkerId worker, long step) =>
        phase with { Awaiting = phase.Awaiting.Remove(worker), AppliedSteps = phase.AppliedSteps.SetItem(worker, step) };

    private static RunTurn Settle(
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
