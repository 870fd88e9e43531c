using Orchestrator.Core.Identities;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Where a worker stands between its coordinator and its training loop.</summary>
/// <param name="Worker">Its id; null until the coordinator has welcomed it.</param>
/// <param name="Phase">What it is doing.</param>
/// <param name="Run">The run it serves; null when idle.</param>
/// <param name="Generation">The newest generation that it prepared, was fenced to or has entered; none when idle.</param>
/// <param name="AppliedSteps">Steps applied in the run.</param>
/// <param name="EndsWithRun">Whether the process ends when it is released (a worker of `run`), or waits for the next run.</param>
public sealed record WorkerState(
    WorkerId? Worker, WorkerPhase Phase, RunId? Run, Generation Generation, long AppliedSteps, bool EndsWithRun)
{
    /// <summary>It was told to end, and waits for its release at a step boundary.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>It trains without a coordinator and looks for the one that owns the run now.</summary>
    public bool IsAlone { get; init; }

    /// <summary>The newest term that it saw; 0: none.</summary>
    public long Term { get; init; }

    /// <summary>How long the coordinator may be silent; null: as long as its stream lasts, or there is none.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>Its own beats since it last heard the coordinator.</summary>
    public int SilentBeats { get; init; }

    /// <summary>It was fenced to its generation, and was not activated in it.</summary>
    public bool IsFenced { get; init; }

    /// <summary>It has left its coordinator, and the end of the stream is still to come: what was under way is refused.</summary>
    public bool HasHungUp { get; init; }

    public KeptReports Kept { get; init; } = KeptReports.None;

    public static WorkerState Start(bool endsWithRun) =>
        new(null, WorkerPhase.Idle, null, Generation.None, 0, endsWithRun);
}

public enum WorkerPhase
{
    /// <summary>No run.</summary>
    Idle,

    /// <summary>Loading model, data and checkpoint.</summary>
    Preparing,

    /// <summary>Prepared; waits for Activate.</summary>
    Ready,

    /// <summary>A member, or on its way to be one.</summary>
    Training,

    /// <summary>The run was given up; training is being stopped.</summary>
    Aborting,

    /// <summary>Training has stopped; the state is kept for a checkpoint until Release.</summary>
    Stopped,

    /// <summary>The process is to end.</summary>
    Ended,
}
