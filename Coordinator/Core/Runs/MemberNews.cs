using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What members report that only changes what is known, in whatever phase it comes.</summary>
internal static class MemberNews
{
    /// <returns>Null when the message is not of this kind.</returns>
    public static RunTurn? Hear(
        RunState state, Crew crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, RunEvent.WorkerSaid said, RunWaits waits, DateTimeOffset now)
    {
        switch (said.Message)
        {
            case WorkerMessage.Progress report:
                return Progress(state, crew, said.Worker, report, now);
            case WorkerMessage.Evaluated evaluated:
                return Evaluated(state, evaluated);
            case WorkerMessage.CheckpointSaved saved:
                var (next, record) = Checkpoint(state, said.Worker, saved, now);
                return (next, [record]);
            case WorkerMessage.StateDigest digest:
                return Compare(state, crew, finished, said.Worker, digest, waits);
            case WorkerMessage.Leaving leaving:
                // It may have been one that leaves for another run only, and would be kept when it is not needed there.
                return (state with { Leavers = state.Leavers.Add(said.Worker), Shed = state.Shed.Remove(said.Worker) }, [RunMachine.Note($"{said.Worker} wants to leave: {leaving.Reason}")]);
            case WorkerMessage.FeedBroken broken:
                return JoinerMachine.FeedEnded(state, broken.FeedId, broken.Reason);
            default:
                return null;
        }
    }

    /// <summary>A member has applied the last step.</summary>
    public static (ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> Finished, ImmutableArray<RunEffect> Effects) Finish(
        RunState state, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, WorkerId worker, WorkerMessage.Finished message) =>
        (finished.SetItem(worker, message), finished.ContainsKey(worker) ? [] : [Finished(state, worker, message)]);

    private static RunTurn Compare(
        RunState state, Crew crew, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, WorkerId worker, WorkerMessage.StateDigest digest,
        RunWaits waits)
    {
        var (progress, decision) = DigestRule.Add(state.Progress, crew, worker, digest.Step, digest.Sha256);
        state = CheckpointWatch.Note(state with { Progress = progress }, digest);
        if (decision.Difference is { } difference)
        {
            var cause = new FailureCause(difference, FailureKind.Internal, IsStateGood: false);
            var everyone = state.Phase is RunPhase.Running running ? RunningMachine.Everyone(running) : crew;
            return AbortingMachine.Begin(state, everyone, finished, cause, everyone.Members.Keys, waits);
        }

        var compared = new RunRecord.StateCompared(state.Generation, digest.Step, crew.Members.Count, digest.Sha256);
        return (state, decision.IsComplete ? [new RunEffect.Record(compared)] : []);
    }

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
        var turn = Committed(state with { Paces = Measure(state.Paces, crew, worker, report, now) }, progress, complete);
        var isEverybodyHeard = state.Phase is RunPhase.Running && crew.Members.Count == crew.Ranks.Count && progress.Step > crew.StartStep;
        return isEverybodyHeard ? turn.Then(next => LedgerNews.GiveUp(next, crew.StartStep)) : turn;
    }

    /// <summary>The first step of a generation is left out: its ranks may be others, and processes warm up.</summary>
    private static ImmutableSortedDictionary<WorkerId, Pace> Measure(
        ImmutableSortedDictionary<WorkerId, Pace> paces, Crew crew, WorkerId worker, WorkerMessage.Progress report, DateTimeOffset now)
    {
        if (report.Generation != crew.Generation || report.Step <= crew.StartStep + 1 || !crew.Computes(worker))
        {
            return paces;
        }

        var seconds = (report.Seconds.Data + report.Seconds.Compute) / crew.Ranks[worker].RankCount;
        return paces.SetItem(worker, paces.TryGetValue(worker, out var pace) ? pace.With(seconds) : new Pace(seconds, 1, now));
    }

    /// <summary>Steps that are complete. A committed step shows that what failed before is overcome.</summary>
    public static RunTurn Committed(RunState state, RunProgress progress, ImmutableArray<StepReport> complete)
    {
        state = state with { Progress = progress };
        if (complete.IsEmpty)
        {
            return (state, []);
        }

        var overcome = state.LinkMarks.Where(mark => mark.Value < progress.Step).Select(mark => mark.Key);
        var (next, stored) = LedgerNews.Commit(state with { FirstFailure = null, Hangs = [], LinkMarks = state.LinkMarks.RemoveRange(overcome) }, complete[^1].Step);
        return (next, [.. stored, .. complete.Select(step => new RunEffect.ReportStep(step))]);
    }

    public static RunEffect Lost(RunState state, Candidate worker, string how) => new RunEffect.Record(
        new RunRecord.WorkerLost(state.Generation, state.Progress.HighestStep, worker.Worker, worker.Hello.Pid, how));

    public static RunEffect Left(RunState state, Candidate worker, string how) => new RunEffect.Record(
        new RunRecord.WorkerLeft(state.Generation, state.Progress.HighestStep, worker.Worker, worker.Hello.Pid, how));

    public static RunEffect Failed(RunState state, Candidate member, WorkerMessage.Failed failed) => new RunEffect.Record(
        new RunRecord.WorkerFailed(state.Generation, failed.Step, member.Worker, member.Hello.Pid, failed.Reason));

    private static RunEffect Finished(RunState state, WorkerId worker, WorkerMessage.Finished finished) => new RunEffect.Record(
        new RunRecord.WorkerFinished(state.Generation, finished.Step, worker, finished.Samples, finished.WeightsSha256));
}
