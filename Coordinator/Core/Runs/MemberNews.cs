using Orchestrator.Coordinator.Core.Formation;
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
    public static RunTurn Evaluated(RunState state, WorkerMessage.Evaluated evaluated)
    {
        if (state.Progress.HeldOut is { } known && known.Step >= evaluated.Step)
        {
            return (state, []);
        }

        var heldOut = new HeldOut(evaluated.Step, evaluated.Loss, evaluated.Accuracy);
        return (state with { Progress = state.Progress with { HeldOut = heldOut } },
        [
            new RunEffect.Record(new RunRecord.Evaluated(
                state.Generation, evaluated.Step, evaluated.Loss, evaluated.Accuracy, evaluated.Samples)),
        ]);
    }

    public static RunTurn Progress(RunState state, Crew crew, WorkerId worker, WorkerMessage.Progress report, DateTimeOffset now)
    {
        var (progress, complete) = ProgressRule.Add(state.Progress, crew, worker, report, now);
        state = state with { Progress = progress };
        if (complete.IsEmpty)
        {
            return (state, []);
        }

        var (next, stored) = LedgerNews.Commit(state, complete[^1].Step);
        return (next, [.. stored, .. complete.Select(step => new RunEffect.ReportStep(step))]);
    }

    public static RunEffect Failed(RunState state, Candidate member, WorkerMessage.Failed failed) => new RunEffect.Record(
        new RunRecord.WorkerFailed(state.Generation, failed.Step, member.Worker, member.Hello.Pid, failed.Reason));

    public static RunEffect Finished(RunState state, WorkerId worker, WorkerMessage.Finished finished) => new RunEffect.Record(
        new RunRecord.WorkerFinished(state.Generation, finished.Step, worker, finished.Samples, finished.WeightsSha256));
}
