using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>Who comes first: the higher priority, and among equals who was submitted first. A run that lost all its workers keeps its place.</summary>
public static class QueueOrder
{
    /// <param name="runs">In the order of their submission.</param>
    public static ImmutableArray<RunState> Of(IEnumerable<RunState> runs) => [.. runs.OrderByDescending(run => run.Order.Job.Priority)];
}
