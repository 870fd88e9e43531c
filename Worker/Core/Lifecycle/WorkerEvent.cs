using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>What happens to a worker. Closed set.</summary>
public abstract record WorkerEvent
{
    private WorkerEvent() { }

    /// <summary>The run whose loading or training it comes from: nothing of a run that was released since then counts. Null: it comes from no run, or from the one that is served.</summary>
    public RunId? Run { get; init; }

    /// <summary>The coordinator said something.</summary>
    public sealed record CoordinatorSaid(CoordinatorMessage Message) : WorkerEvent;

    /// <summary>The stream to the coordinator broke or could not be opened in time.</summary>
    public sealed record CoordinatorLost(string Reason) : WorkerEvent;

    /// <summary>Comes every <see cref="SilenceRule.BeatPeriod"/> while the process runs.</summary>
    public sealed record Beat : WorkerEvent;

    /// <summary>Model, data and checkpoint are loaded.</summary>
    public sealed record PreparationSucceeded(WorkerMessage.Prepared Prepared) : WorkerEvent;

    /// <summary>They could not be.</summary>
    public sealed record PreparationFailed(string Reason, FailureKind Kind) : WorkerEvent;

    /// <summary>The order cannot be carried out in this process any more, but in a fresh one (<see cref="ProcessRule"/>).</summary>
    public sealed record FreshProcessNeeded(Generation Generation, string Reason) : WorkerEvent;

    /// <summary>A step was applied.</summary>
    public sealed record StepApplied(WorkerMessage.Progress Progress) : WorkerEvent;

    /// <summary>The member is in a generation.</summary>
    public sealed record GenerationEntered(WorkerMessage.Entered Entered) : WorkerEvent;

    /// <summary>Something else that the coordinator wants to hear of: a digest, an evaluation, a checkpoint.</summary>
    public sealed record Reported(WorkerMessage Message) : WorkerEvent;

    /// <summary>The training loop came to the run's end and its last checkpoint is committed.</summary>
    public sealed record TrainingFinished(WorkerMessage.Finished Finished) : WorkerEvent;

    /// <summary>The training loop stopped because it was told to.</summary>
    public sealed record TrainingStopped(long AppliedSteps) : WorkerEvent;

    /// <summary>The training loop failed by itself.</summary>
    public sealed record TrainingFailed(long AppliedSteps, string Reason, FailureKind Kind) : WorkerEvent;

    /// <summary>The process is to end at a step boundary, with nothing lost: SIGTERM or SIGINT. The second time it ends at once.</summary>
    public sealed record LeaveRequested(string Reason) : WorkerEvent;

    /// <summary>The process is to end at once: its launcher is gone.</summary>
    public sealed record Terminated(string Reason) : WorkerEvent;
}
