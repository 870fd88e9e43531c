using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What members report that only changes what is known, in whatever phase it comes.</summary>
internal static class MemberNews
{
    public static (RunState State, RunEffect Record) Checkpoint(
        RunState state, WorkerId worker, WorkerMessage.CheckpointSaved saved, DateTimeOffset now)
    {
        var progress = state.Progress;
        if (saved.Error is { } error)
        {
            return (state with { Progress = progress with { CheckpointProblem = new CheckpointProblem(saved.Step, error) } },
                new RunEffect.Record(new RunRecord.CheckpointFailed(state.Generation, saved.Step, worker, error)));
        }

        var isNewer = progress.Checkpoint is null || progress.Checkpoint.Step <= saved.Step;
        var mark = new CheckpointMark(saved.Step, saved.Path, saved.WeightsSha256, now);
        return (state with { Progress = isNewer ? progress with { Checkpoint = mark } : progress },
            new RunEffect.Record(new RunRecord.CheckpointSaved(
                state.Generation, saved.Step, worker, saved.Path, saved.WeightsSha256, saved.Bytes, saved.Seconds, saved.StallSeconds)));
    }

    /// <summary>Every member may report the same result; the first report of a step counts.</summary>
    public static (RunState State, ImmutableArray<RunEffect> Effects) Evaluated(RunState state, WorkerMessage.Evaluated evaluated)
    {
        if (state.Progress.HeldOut is { } known && known.Step >= evaluated.Step)
        {
            return (state, []);
        }

        var heldOut = new HeldOut(evaluated.Step, evaluated.Loss, evaluated.Accuracy);
        return (state with { Progress = state.Progress with { HeldOut = heldOut } },
            [new RunEffect.Record(new RunRecord.Evaluated(state.Generation, evaluated.Step, evaluated.Loss, evaluated.Accuracy, evaluated.Samples))]);
    }
}
