using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>The state of a run in the one word that people and scripts see.</summary>
public static class RunStates
{
    public const string Queued = "queued";

    public static string Of(RunState state) => state.Phase switch
    {
        // It had a generation and gave it up: it waits for workers, not for its turn.
        RunPhase.Queued when state.Generation.Number > 0 => "paused",
        RunPhase.Queued => Queued,
        RunPhase.Paused => "paused",
        RunPhase.Ended { Outcome.Result: RunResult.Succeeded } => "succeeded",
        RunPhase.Ended { Outcome.Result: RunResult.Stopped } => "stopped",
        RunPhase.Ended => "failed",
        _ => "running",
    };
}
