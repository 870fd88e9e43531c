using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Whether a run is complete, and with which result.</summary>
internal static class Completion
{
    /// <summary>Ends the run when every member that is left has finished.</summary>
    public static RunTurn Settle(
        RunState state, RunPhase.Running phase, ImmutableArray<RunEffect> effects)
    {
        var members = phase.Crew.Members.Keys;
        var missing = members.Count(worker => !phase.Finished.ContainsKey(worker));
        if (missing > 0)
        {
            return (state with { Phase = phase }, effects);
        }

        return WhyNot(state, phase) is var (reason, kind)
            ? RunEnding.Fail(state with { Phase = phase }, reason, kind, members, effects.AsSpan())
            : RunEnding.End(state, Outcome(state, phase), members, effects.AsSpan());
    }

    /// <returns>Null when all members ended with the same weights and these are on disk.</returns>
    private static (string Reason, FailureKind Kind)? WhyNot(RunState state, RunPhase.Running phase)
    {
        var ends = phase.Finished.GroupBy(entry => (entry.Value.Step, entry.Value.WeightsSha256)).ToImmutableArray();
        if (ends.Length > 1)
        {
            return ("The members ended with different weights: "
                + string.Join("; ", ends.Select(
                    end => $"{string.Join(", ", end.Select(entry => entry.Key))} with {end.Key.WeightsSha256} at step {end.Key.Step}"))
                + ". This must not happen with one fingerprint; report it with the run folder.", FailureKind.Internal);
        }

        var step = ends.Length == 0 ? phase.Crew.LastStep : ends[0].Key.Step;
        if (state.Progress.CheckpointProblem is { } problem && problem.Step == step)
        {
            var done = step == phase.Crew.LastStep ? $"All {step} steps are applied, but the last" : $"Step {step} is applied, but its";
            return ($"{done} checkpoint could not be written: {problem.Reason} {RunEnding.HowToGoOn(state)}", FailureKind.Environment);
        }

        return state.Progress.Checkpoint?.Step == step ? null
            : ($"All members ended at step {step}, but none reported its checkpoint. {RunEnding.HowToGoOn(state)}", FailureKind.Internal);
    }

    private static RunOutcome Outcome(RunState state, RunPhase.Running phase)
    {
        var checkpoint = state.Progress.Checkpoint!;
        var (result, reason) = (phase.StopReason, checkpoint.Step < phase.Crew.TotalSteps) switch
        {
            ({ } stop, true) => (RunResult.Stopped, $"{stop} It ended after step {checkpoint.Step} of {phase.Crew.TotalSteps}."),
            (null, true) => (RunResult.Stopped, $"Stopped after step {checkpoint.Step} of {phase.Crew.TotalSteps}, as asked by --stop-after."),
            _ => (RunResult.Succeeded, $"All {checkpoint.Step} steps are applied."),
        };
        return new RunOutcome(result, reason, RunEnding.ExitDone, checkpoint.WeightsSha256);
    }
}
