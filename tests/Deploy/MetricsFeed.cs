using Orchestrator.Coordinator.Host;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Host;

namespace Orchestrator.Deploy.Tests;

/// <summary>What a run that goes well, with one loss and one full disk, tells its metrics.</summary>
internal static class MetricsFeed
{
    private const int LastStep = 1000;
    private const int GlobalBatch = 32;

    public static void Feed(WorkerMetrics metrics, int step)
    {
        metrics.GenerationEntered(2, 4);
        metrics.StepCompleted(new StepSeconds(0.02 + step * 1e-4, 0.001, 0.012, 0.006, 0.002), GlobalBatch / 2, 1 << 20);
        metrics.CheckpointSaved(TimeSpan.FromMilliseconds(80), TimeSpan.FromMilliseconds(3), 4 << 20);
        metrics.CheckpointFailed();
        metrics.CoordinatorRefused();
        metrics.OrderRefused();
    }

    public static void Feed(CoordinatorMetrics metrics, string runId, int step)
    {
        metrics.WorkersChanged(2);
        metrics.RunStateChanged(runId, "running");
        metrics.GenerationFormed(runId, 2, 2, 3);
        metrics.WorkerLost(runId, 2);
        metrics.StepCompleted(runId, step, LastStep, GlobalBatch, 5.5 / step, 1.25, 3e-3, 640);
        metrics.Evaluated(runId, 2.5, 0.75);
        metrics.CheckpointSaved(runId, step, DateTimeOffset.UtcNow);
        metrics.CheckpointFailed(runId);
    }
}
