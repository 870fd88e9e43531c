using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Whether a run is complete, and with which result.</summary>
internal static class Completion
{
    /// <summary>Everybody has applied the last step, and somebody is there.</summary>
    public static bool IsComplete(ImmutableSortedDictionary<WorkerId, Candidate> members, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished) =>
        members.Count > 0 && finished.Count >= members.Count && members.Keys.All(finished.ContainsKey);

    /// <summary>Members that had agreed to end after a step go on when their generation is given up before all of them have: then that end is none.</summary>
    public static bool Counts(Crew crew, WorkerMessage.Finished finished) => finished.Generation >= crew.Generation || finished.Step >= crew.LastStep;

    /// <summary>
    /// Ends the run when every member that is left has finished and the last checkpoint is written. When its writer is gone, another member writes it;
    /// when it cannot be written, the members keep the state and try again.
    /// </summary>
    public static RunTurn Settle(RunState state, RunPhase.Running phase, ImmutableArray<RunEffect> effects, RunWaits waits)
    {
        if (!IsComplete(RunningMachine.Awaited(phase), phase.Finished))
        {
            return (state with { Phase = phase }, effects);
        }

        var step = phase.Finished.Values.Max(finished => finished.Step);
        if (AreDifferent(phase))
        {
            return End(state, phase, effects.AsSpan());
        }

        // A later one is as good: who wrote it may be gone, and with it the steps that only it had taken.
        if (state.Progress.Checkpoint?.Step >= step)
        {
            return LedgerQuestion.Ask(state, phase, step, waits)?.Before(effects.AsSpan()) ?? End(state, phase, effects.AsSpan());
        }

        if (phase.Saver is not null || phase.Retry is { IsPausing: true })
        {
            return (state with { Phase = phase }, effects);
        }

        return state.Progress.CheckpointProblem?.Step == step
            ? Pause(state, phase, effects, waits)
            : Save(state, phase, RunningMachine.Everyone(phase).Members.Keys.First(), effects, waits);
    }

    /// <summary>The pause is over: the next member tries, since another host's disk may have room.</summary>
    public static RunTurn SaveAgain(RunState state, RunPhase.Running phase, RunWaits waits)
    {
        var members = RunningMachine.Everyone(phase).Members.Keys.ToImmutableArray();
        var last = members.IndexOf(phase.Retry!.Last ?? default);
        var saver = members[(last + 1) % members.Length];
        return Save(state, phase with { Retry = phase.Retry with { Last = saver, IsPausing = false } }, saver, [], waits);
    }

    private static RunTurn Pause(RunState state, RunPhase.Running phase, ImmutableArray<RunEffect> effects, RunWaits waits)
    {
        var retry = phase.Retry ?? new SaveRetry(0, null, IsPausing: false);
        return retry.Tries >= waits.SaveTries
            ? End(state, phase, effects.AsSpan())
            : (state with { Phase = phase with { Retry = retry with { Tries = retry.Tries + 1, IsPausing = true } } },
                effects.Add(new RunEffect.StartTimer(RunTimer.SaveAgain, phase.Crew.Generation, waits.SaveAgain)));
    }

    private static RunTurn Save(RunState state, RunPhase.Running phase, WorkerId saver, ImmutableArray<RunEffect> effects, RunWaits waits) =>
        (state with { Phase = phase with { Saver = saver } },
        [
            .. effects,
            new RunEffect.Tell(saver, new CoordinatorMessage.SaveCheckpoint(state.LastGeneration)),
            new RunEffect.StartTimer(RunTimer.Save, phase.Crew.Generation, waits.Save),
        ]);

    /// <summary>Nothing is awaited any more but the ledger, which the members outlast: they tell the next owner what is not written.</summary>
    public static RunTurn End(RunState state, RunPhase.Running phase, params ReadOnlySpan<RunEffect> effects)
    {
        var members = RunningMachine.Everyone(phase).Members.Keys;
        if (WhyNot(state, phase) is var (reason, kind))
        {
            return RunEnding.Fail(state with { Phase = phase }, reason, kind, members, effects);
        }

        // A member that was lost behind the last step may have had a report on the way.
        var checkpoint = state.Progress.Checkpoint!;
        var (progress, complete) = ProgressRule.Settle(state.Progress, phase.Crew, checkpoint.Step, state.Progress.RoseAt);
        var (counted, steps) = MemberNews.Committed(state, progress, complete);

        // Also when nobody is left who could have reported the last step.
        var (whole, stored) = LedgerNews.Commit(counted, checkpoint.Step);
        return LedgerWriting.IsAwaited(whole, phase)
            ? (whole with { Phase = phase with { IsLedgerAwaited = true } }, [.. effects, .. steps, .. stored])
            : Conclude(whole, phase, checkpoint, members, [.. effects, .. steps, .. stored, .. LedgerQuestion.Warn(whole, checkpoint.Step)]);
    }

    private static RunTurn Conclude(
        RunState state, RunPhase.Running phase, CheckpointMark checkpoint, IEnumerable<WorkerId> members, params ReadOnlySpan<RunEffect> effects) =>
        state.SuspendReason is { } suspend && state.StopReason is null && checkpoint.Step < state.LastStep
            ? Requeue.Wait(state, members, $"{suspend} It goes on from its checkpoint of step {checkpoint.Step} when there are enough.", checkpoint.SavedAt, effects)
            : RunEnding.End(state, Outcome(state, phase), members, effects);

    private static bool AreDifferent(RunPhase.Running phase) =>
        phase.Finished.Values.Select(finished => (finished.Step, finished.WeightsSha256)).Distinct().Count() > 1;

    /// <returns>Null when all members ended with the same weights and these are on disk.</returns>
    private static (string Reason, FailureKind Kind)? WhyNot(RunState state, RunPhase.Running phase)
    {
        if (AreDifferent(phase))
        {
            var ends = phase.Finished.GroupBy(entry => (entry.Value.Step, entry.Value.WeightsSha256));
            return ("The members ended with different weights: "
                + string.Join("; ", ends.Select(
                    end => $"{string.Join(", ", end.Select(entry => entry.Key))} with {end.Key.WeightsSha256} at step {end.Key.Step}"))
                + ". This must not happen with one fingerprint; report it with the run folder.", FailureKind.Internal);
        }

        var step = phase.Finished.IsEmpty ? phase.Crew.LastStep : phase.Finished.Values.First().Step;
        if (state.Progress.CheckpointProblem is { } problem && problem.Step == step && state.Progress.Checkpoint?.Step != step)
        {
            var done = step == phase.Crew.LastStep ? $"All {step} steps are applied, but the last" : $"Step {step} is applied, but its";
            return ($"{done} checkpoint could not be written: {problem.Reason} {RunEnding.HowToGoOn(state)}", FailureKind.Environment);
        }

        return state.Progress.Checkpoint?.Step >= step ? null
            : ($"All members ended at step {step}, but none reported its checkpoint. {RunEnding.HowToGoOn(state)}", FailureKind.Internal);
    }

    private static RunOutcome Outcome(RunState state, RunPhase.Running phase)
    {
        var checkpoint = state.Progress.Checkpoint!;
        var (result, reason) = (state.StopReason, checkpoint.Step < phase.Crew.TotalSteps) switch
        {
            ({ } stop, true) => (RunResult.Stopped, $"{stop} It ended after step {checkpoint.Step} of {phase.Crew.TotalSteps}."),
            (null, true) => (RunResult.Stopped, $"Stopped after step {checkpoint.Step} of {phase.Crew.TotalSteps}, as asked by --stop-after."),
            _ => (RunResult.Succeeded, $"All {checkpoint.Step} steps are applied."),
        };
        return new RunOutcome(result, reason, RunEnding.ExitDone, checkpoint.WeightsSha256);
    }
}
