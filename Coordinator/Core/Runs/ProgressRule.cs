using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Puts the members' reports of steps together: a step counts when every member that computes has applied it.</summary>
public static class ProgressRule
{
    /// <summary>Steps that may be open at once. Members differ by one; a member's reports may lie in a buffer for a while.</summary>
    public const int MaxPendingSteps = 1000;

    /// <param name="progress">Before the report.</param>
    /// <param name="crew">The generation's members.</param>
    /// <param name="worker">Who reports.</param>
    /// <param name="report">What it reports; one that is not newer than its last is ignored.</param>
    /// <param name="now">The time of the report's arrival.</param>
    /// <returns>The steps that are complete now, in order.</returns>
    public static (RunProgress Progress, ImmutableArray<StepReport> Complete) Add(
        RunProgress progress, Crew crew, WorkerId worker, WorkerMessage.Progress report, DateTimeOffset now)
    {
        if (report.Step <= progress.ReportedSteps.GetValueOrDefault(worker, crew.StartStep) || report.Step <= progress.Step)
        {
            return (progress, []);
        }

        var partial = progress.Pending.TryGetValue(report.Step, out var known) ? known.With(report) : PartialStep.From(report);
        progress = progress with
        {
            Pending = progress.Pending.SetItem(report.Step, partial),
            ReportedSteps = progress.ReportedSteps.SetItem(worker, report.Step),
        };
        return Complete(progress, crew, report.Generation, now);
    }

    private static (RunProgress Progress, ImmutableArray<StepReport> Complete) Complete(
        RunProgress progress, Crew crew, Generation generation, DateTimeOffset now)
    {
        var everyone = crew.Members.Keys.Where(worker => crew.Ranks[worker].RankCount > 0)
            .Select(worker => progress.ReportedSteps.GetValueOrDefault(worker, crew.StartStep))
            .DefaultIfEmpty(progress.Step).Min();
        var complete = ImmutableArray.CreateBuilder<StepReport>();
        while (!progress.Pending.IsEmpty && (progress.Pending.Keys.First() <= everyone || progress.Pending.Count > MaxPendingSteps))
        {
            var (step, partial) = progress.Pending.First();
            progress = Apply(progress, step, partial, now);
            complete.Add(new StepReport(
                generation, step, partial.Loss, partial.LearningRate, partial.GradientNorm, partial.Samples, partial.Seconds, partial.AllReduceBytes,
                progress.Rate.Present));
        }

        return (progress, complete.ToImmutable());
    }

    private static RunProgress Apply(RunProgress progress, long step, PartialStep partial, DateTimeOffset now)
    {
        var losses = progress.RecentLosses.Length < RunProgress.LossWindow ? progress.RecentLosses : progress.RecentLosses.RemoveAt(0);
        return progress with
        {
            Step = step,
            RecentLosses = losses.Add(partial.Loss),
            Rate = progress.Rate.Tick(step, partial.Samples, now),
            Pending = progress.Pending.Remove(step),
        };
    }
}
