using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>A run's records and steps as Prometheus counts them.</summary>
internal static class RunMetrics
{
    public static void Count(CoordinatorMetrics metrics, RunRecord record, RunState state, DateTimeOffset now)
    {
        var run = state.Id.Value;
        switch (record)
        {
            case RunRecord.GenerationFormed r:
                metrics.GenerationFormed(run, r.Generation.Number, r.Formed.Workers.Length, state.Scale.Desired);
                break;
            case RunRecord.WorkerLost:
                metrics.WorkerLost(run, state.Members.Count());
                break;
            case RunRecord.CheckpointSaved r:
                metrics.CheckpointSaved(run, r.Step, now);
                break;
            case RunRecord.CheckpointFailed:
                metrics.CheckpointFailed(run);
                break;
            case RunRecord.Evaluated r:
                metrics.Evaluated(run, r.Loss, r.Accuracy);
                break;
        }
    }

    public static void Count(CoordinatorMetrics metrics, StepReport report, RunState state) => metrics.StepCompleted(
        state.Id.Value, report.Step, state.Crew?.LastStep, (int)report.Samples, report.Loss, report.GradientNorm, report.LearningRate, report.SamplesPerSecond);
}
