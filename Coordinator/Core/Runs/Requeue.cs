using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run without members goes back to the queue, and will start from its last checkpoint.</summary>
internal static class Requeue
{
    /// <summary>The last member is lost. A run whose members failed by themselves would fail again, so it ends with the first failure.</summary>
    public static RunTurn WhenNobodyIsLeft(RunState state, Crew crew, RegroupCause cause, params ReadOnlySpan<RunEffect> before)
    {
        if (state.Progress.Checkpoint?.Step == crew.LastStep)
        {
            return Completion.End(state, new RunPhase.Running(crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished>.Empty), before);
        }

        if (state.FirstFailure is { } failure)
        {
            return RunEnding.Fail(state, $"{failure.Sentence} {RunEnding.HowToGoOn(state)}", failure.Kind, [], before);
        }

        return state.StopReason is { } stop
            ? RunEnding.Fail(state, $"{stop} Then no worker was left to write a checkpoint: {cause.Sentence} {RunEnding.HowToGoOn(state)}", FailureKind.Environment, [], before)
            : Wait(state with { LastCrew = new LastCrew(crew with { Members = state.Lost }, state.Phase is RunPhase.Reviving reviving ? reviving.RecordedStep : state.RecordedStep, state.SuspendReason, state.ResumeFrom) }, [], $"{cause.Sentence} No worker is left; the run waits for others and goes on {FromWhere(state)}.", cause.Since, before);
    }

    /// <param name="state">The run.</param>
    /// <param name="members">Who is released.</param>
    /// <param name="reason">In a sentence.</param>
    /// <param name="since">When the members stopped.</param>
    /// <param name="before">Records of what happened.</param>
    public static RunTurn Wait(RunState state, IEnumerable<WorkerId> members, string reason, DateTimeOffset since, params ReadOnlySpan<RunEffect> before)
    {
        var release = new CoordinatorMessage.Release($"Run {state.Id} waits for workers: {reason}");
        ImmutableArray<RunEffect> effects =
        [
            .. before,
            new RunEffect.Record(new RunRecord.RunPaused(state.Generation, state.Progress.HighestStep, reason)),
            .. members.Union(state.Joiners.Keys).Select(worker => new RunEffect.Tell(worker, release)),
        ];
        return (state with
        {
            Phase = new RunPhase.Queued(IsGraceRunning: false, IsGraceOver: false), Reason = reason, Generation = state.LastGeneration,
            ResumeFrom = state.Progress.Checkpoint?.Path ?? state.Order.ResumeFrom, Joiners = state.Joiners.Clear(), Leavers = state.Leavers.Clear(), Shed = [],
            SuspendReason = null, Silence = null, PausedSince = state.PausedSince ?? since, LinkMarks = state.LinkMarks.Clear(),
        }, effects);
    }

    /// <summary>Where a run goes on whose members are all lost; in words that follow "goes on".</summary>
    public static string FromWhere(RunState state) => state.Progress.Checkpoint is { } checkpoint ? $"from its checkpoint of step {checkpoint.Step}"
        : state.Order.ResumeFrom is { } origin ? $"from {origin}" : "from the beginning";
}
