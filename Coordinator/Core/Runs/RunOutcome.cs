namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>How a run ended.</summary>
/// <param name="Result">Succeeded, failed or stopped.</param>
/// <param name="Reason">In a sentence.</param>
/// <param name="ExitCode">0, 1 or 3: of the process that waits for the run.</param>
/// <param name="WeightsSha256">Of the last checkpoint; null: the run wrote none.</param>
public sealed record RunOutcome(RunResult Result, string Reason, int ExitCode, string? WeightsSha256);

public enum RunResult
{
    Unspecified = 0,
    Succeeded = 1,
    Failed = 2,
    Stopped = 3,
}
