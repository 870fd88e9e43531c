using Orchestrator.Core.Identities;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Where a worker stands between its coordinator and its training loop.</summary>
/// <param name="Worker">Its id; null until the coordinator has welcomed it.</param>
/// <param name="Phase">What it is doing.</param>
/// <param name="Run">The run it serves; null when idle.</param>
/// <param name="Generation">The generation that it prepared or trains in; none when idle.</param>
/// <param name="HighestPrepared">What it tells its peers at the start of a step: Generation, or the one behind it when the run shall end.</param>
/// <param name="AppliedSteps">Steps applied in the run.</param>
/// <param name="EndsWithRun">Whether the process ends when it is released (a worker of `run`), or waits for the next run.</param>
public sealed record WorkerState(
    WorkerId? Worker, WorkerPhase Phase, RunId? Run, Generation Generation, Generation HighestPrepared, long AppliedSteps, bool EndsWithRun)
{
    public static WorkerState Start(bool endsWithRun) =>
        new(null, WorkerPhase.Idle, null, Generation.None, Generation.None, 0, endsWithRun);
}

public enum WorkerPhase
{
    /// <summary>No run.</summary>
    Idle,

    /// <summary>Loading model, data and checkpoint.</summary>
    Preparing,

    /// <summary>Prepared; waits for Activate.</summary>
    Ready,

    /// <summary>The training loop runs.</summary>
    Training,

    /// <summary>The generation was given up; the training loop is being stopped.</summary>
    Aborting,

    /// <summary>The training loop has stopped; the state is kept for a checkpoint until Release.</summary>
    Stopped,

    /// <summary>The process is to end.</summary>
    Ended,
}
