using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>A process that a person drained.</summary>
/// <param name="Instance">As its Hello names it.</param>
/// <param name="Worker">Its id when it was drained; under another coordinator it may have another.</param>
/// <param name="At">When.</param>
public sealed record DrainMark(string Instance, WorkerId Worker, DateTimeOffset At);
