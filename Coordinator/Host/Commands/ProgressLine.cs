using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Where a run stands, in one line.</summary>
internal static class ProgressLine
{
    public static string Of(RunState run, DateTimeOffset now)
    {
        var progress = run.Progress;
        var parts = new List<string>
        {
            $"step {progress.Step}/{run.LastStep}",
            $"loss {Quantities.Loss(progress.RecentLosses.IsEmpty ? null : progress.RecentLosses[^1])}",
            $"{Quantities.Rate(progress.Rate.Present)} samples/s",
            Quantities.Workers(run.GenerationSize),
        };
        if (progress.Checkpoint is { } checkpoint)
        {
            parts.Add($"checkpoint {checkpoint.Step} ({Quantities.Time(now - checkpoint.SavedAt)} ago)");
        }

        if (progress.Rate.Present is { } rate && progress.Step < run.LastStep)
        {
            var seconds = (run.LastStep - progress.Step) * (double)run.Order.Job.Training.GlobalBatch / rate;
            parts.Add($"{Quantities.Time(TimeSpan.FromSeconds(Math.Min(seconds, 1e8)))} left");
        }

        return string.Join(" | ", parts);
    }
}
