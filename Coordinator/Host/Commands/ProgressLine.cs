using Orchestrator.Protocol.V1;
using RunState = Orchestrator.Coordinator.Core.Runs.RunState;

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

    /// <summary>The same of a run that a coordinator elsewhere directs.</summary>
    public static string Of(RunStatus run, int globalBatch, DateTimeOffset now)
    {
        double? rate = run.HasSamplesPerSecond ? run.SamplesPerSecond : null;
        var parts = new List<string>
        {
            $"step {run.Step}/{run.LastStep}", $"loss {Quantities.Loss(run.HasLoss ? run.Loss : null)}", $"{Quantities.Rate(rate)} samples/s", Quantities.Workers(run.Workers),
        };
        if (run.HasCheckpointUnixMillis)
        {
            parts.Add($"checkpoint {Path.GetFileName(run.Checkpoint)} ({Quantities.Time(now - DateTimeOffset.FromUnixTimeMilliseconds(run.CheckpointUnixMillis))} ago)");
        }

        if (rate > 0 && run.Step < run.LastStep)
        {
            parts.Add($"{Quantities.Time(TimeSpan.FromSeconds(Math.Min((run.LastStep - run.Step) * (double)globalBatch / rate.Value, 1e8)))} left");
        }

        return string.Join(" | ", parts);
    }
}
