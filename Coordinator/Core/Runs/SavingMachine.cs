using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>The last act of a run that fails: the member with the highest step writes it, then the run ends with the first cause.</summary>
internal static class SavingMachine
{
    /// <param name="state">The run.</param>
    /// <param name="crew">Who is left.</param>
    /// <param name="cause">Why the run fails.</param>
    /// <param name="held">Who holds which step; empty when nobody's state may be saved.</param>
    /// <param name="waits">How long for the checkpoint.</param>
    public static RunTurn Begin(
        RunState state, Crew crew, FailureCause cause, ImmutableSortedDictionary<WorkerId, long> held, RunWaits waits)
    {
        // By step, then by the lowest id: two members at the same step hold the same bits, so any of them will do.
        var best = held.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key).FirstOrDefault();
        var isOnDisk = best.Value <= crew.StartStep || state.Progress.Checkpoint?.Step >= best.Value;
        if (held.IsEmpty || isOnDisk)
        {
            return End(state, crew, cause);
        }

        return (state with { Phase = new RunPhase.Saving(crew, cause, best.Key, best.Value, held.Remove(best.Key)) },
        [
            new RunEffect.Tell(best.Key, new CoordinatorMessage.SaveCheckpoint(state.Generation)),
            new RunEffect.StartTimer(RunTimer.Save, state.Generation, waits.Save),
        ]);
    }

    public static RunTurn Step(
        RunState state, RunPhase.Saving phase, RunEvent @event, RunWaits waits, DateTimeOffset now)
    {
        switch (@event)
        {
            case RunEvent.WorkerSaid { Message: WorkerMessage.CheckpointSaved saved } said when phase.Crew.Members.ContainsKey(said.Worker):
                var (known, record) = MemberNews.Checkpoint(state, said.Worker, saved, now);

                // A checkpoint that was under way before the failure may come in first.
                return saved.Step == phase.Step
                    ? End(known, phase.Crew, phase.Cause, record)
                    : (known, [record]);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Failed } said when said.Worker == phase.Saver:
                return Begin(state, phase.Crew, phase.Cause, phase.AppliedSteps, waits);
            case RunEvent.WorkerSaid { Message: WorkerMessage.Leaving leaving } said when phase.Crew.Members.TryGetValue(said.Worker, out var leaver):
                return Lose(state, phase, new RunEvent.WorkerLost(said.Worker, $"it was told to end ({leaving.Reason})"), leaver.Hello.Pid, waits);
            case RunEvent.WorkerLost lost when phase.Crew.Members.TryGetValue(lost.Worker, out var member):
                return Lose(state, phase, lost, member.Hello.Pid, waits);
            case RunEvent.TimerFired { Timer: RunTimer.Save } fired when fired.Generation == state.Generation:
                var late = new CheckpointProblem(phase.Step, $"Worker {phase.Saver} did not write it within {waits.Save.TotalSeconds:0} s.");
                return End(state with { Progress = state.Progress with { CheckpointProblem = late } }, phase.Crew, phase.Cause);
            default:
                return RunMachine.Ignore(state, @event);
        }
    }

    private static RunTurn Lose(
        RunState state, RunPhase.Saving phase, RunEvent.WorkerLost lost, int pid, RunWaits waits)
    {
        var crew = phase.Crew.Without(lost.Worker);
        var others = phase.AppliedSteps.Remove(lost.Worker);
        var record = new RunEffect.Record(new RunRecord.WorkerLost(state.Generation, state.Progress.HighestStep, lost.Worker, pid, lost.Reason));
        if (lost.Worker != phase.Saver)
        {
            return (state with { Phase = phase with { Crew = crew, AppliedSteps = others } }, [record]);
        }

        var (next, effects) = Begin(state, crew, phase.Cause, others, waits);
        return (next, [record, .. effects]);
    }

    private static RunTurn End(
        RunState state, Crew crew, FailureCause cause, params ReadOnlySpan<RunEffect> before)
    {
        var checkpoint = state.Progress.Checkpoint;
        var unsaved = state.Progress.CheckpointProblem is { } problem && problem.Step >= (checkpoint?.Step ?? 0)
            ? $"The state of step {problem.Step} could not be saved: {problem.Reason} "
            : "";
        return RunEnding.Fail(state, $"{cause.Sentence} {unsaved}{RunEnding.HowToGoOn(state)}", cause.Kind, crew.Members.Keys, before);
    }
}
