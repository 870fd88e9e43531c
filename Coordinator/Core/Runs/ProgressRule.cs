using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Puts the members' reports of steps together: a step counts when every member that computes has applied it.</summary>
/// <remarks>A report counts whatever generation it was computed in. A step has the batch's samples, also when one who computed some of them is
/// gone before it could report.</remarks>
public static class ProgressRule
{
    /// <summary>
    /// Steps that may be open at once, some kilobytes each. Members differ by one, but one that the coordinator cannot hear trains on with the others until its stream
    /// breaks, after ten seconds: twenty thousand steps of half a millisecond. Beyond, the oldest are counted without it, and the ledger then has a gap.
    /// </summary>
    public const int MaxPendingSteps = 20_000;

    /// <param name="progress">Before the report.</param>
    /// <param name="crew">The generation's members.</param>
    /// <param name="worker">Who reports.</param>
    /// <param name="report">What it reports; one that is not newer than its last is ignored.</param>
    /// <param name="now">The time of the report's arrival.</param>
    /// <returns>The steps that are complete now, in order.</returns>
    public static (RunProgress Progress, ImmutableArray<StepReport> Complete) Add(
        RunProgress progress, Crew crew, WorkerId worker, WorkerMessage.Progress report, DateTimeOffset now)
    {
        var former = progress.ReportedBy(worker, crew);
        if (report.Step <= former || report.Step <= progress.Step)
        {
            return (progress, []);
        }

        var partial = progress.Pending.TryGetValue(report.Step, out var known) ? known.With(report) : PartialStep.From(report);
        var isRise = report.Step > progress.HighestStep;
        progress = progress with
        {
            Pending = progress.Pending.SetItem(report.Step, partial),
            ReportedSteps = progress.ReportedSteps.SetItem(worker, report.Step),
            Tally = ReportTally.Of(progress, crew).Move(worker, former, report.Step),
            RoseAt = isRise ? now : progress.RoseAt,
        };
        return Settle(progress, crew, now);
    }

    /// <summary>Counts what is complete: also when a member whose report was missing is gone.</summary>
    public static (RunProgress Progress, ImmutableArray<StepReport> Complete) Settle(RunProgress progress, Crew crew, DateTimeOffset now)
    {
        var tally = ReportTally.Of(progress, crew);
        return Settle(progress with { Tally = tally }, crew, tally.Least ?? progress.Step, now);
    }

    /// <summary>Counts every step up to one that is known to be applied, whoever could not report it any more.</summary>
    public static (RunProgress Progress, ImmutableArray<StepReport> Complete) Settle(RunProgress progress, Crew crew, long everyone, DateTimeOffset now)
    {
        var complete = ImmutableArray.CreateBuilder<StepReport>();
        while (!progress.Pending.IsEmpty && (progress.Pending.Keys.First() <= everyone || progress.Pending.Count > MaxPendingSteps))
        {
            var (step, partial) = progress.Pending.First();
            var samples = crew.SamplesOf(step);
            progress = Apply(progress, step, partial, samples, now);
            complete.Add(new StepReport(
                crew.Generation, step, partial.Loss, partial.LearningRate, partial.GradientNorm, samples, partial.Seconds, partial.AllReduceBytes,
                progress.Rate.Present));
        }

        return (progress, complete.ToImmutable());
    }

    private static RunProgress Apply(RunProgress progress, long step, PartialStep partial, long samples, DateTimeOffset now)
    {
        var losses = progress.RecentLosses.Length < RunProgress.LossWindow ? progress.RecentLosses : progress.RecentLosses.RemoveAt(0);
        var seconds = progress.RecentSeconds.Length < RunProgress.LossWindow ? progress.RecentSeconds : progress.RecentSeconds.RemoveAt(0);
        return progress with
        {
            Step = step,
            RecentLosses = losses.Add(partial.Loss),
            RecentSeconds = seconds.Add(Math.Max(partial.Seconds.Step, partial.Seconds.Data + partial.Seconds.Compute + partial.Seconds.Update)),
            Rate = progress.Rate.Tick(step, samples, now),
            Pending = progress.Pending.Remove(step),
        };
    }
}
