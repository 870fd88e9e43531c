using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What can happen to a run. Closed set.</summary>
public abstract record RunEvent
{
    private RunEvent() { }

    /// <summary>The formation rule has looked at the free workers.</summary>
    public sealed record FormationDecided(FormationDecision Decision) : RunEvent;

    public sealed record WorkerSaid(WorkerId Worker, WorkerMessage Message) : RunEvent;

    /// <summary>The worker's stream ended.</summary>
    public sealed record WorkerLost(WorkerId Worker, string Reason) : RunEvent;

    /// <summary>A person wants the run to end after a step, with a checkpoint.</summary>
    public sealed record StopRequested(string Reason) : RunEvent;

    /// <summary>The launcher could not start its workers, or one ended before it attached.</summary>
    public sealed record LaunchFailed(string Reason) : RunEvent;

    /// <summary>A timer of an older generation is ignored.</summary>
    public sealed record TimerFired(RunTimer Timer, Generation Generation) : RunEvent;
}

/// <summary>What a run may wait for.</summary>
public enum RunTimer
{
    Unspecified = 0,

    /// <summary>More workers than workers.min; of an embedded run: all of its workers.</summary>
    Grace = 1,

    /// <summary>Every member's answer to Prepare.</summary>
    Prepare = 2,

    /// <summary>Every member's answer to Abort.</summary>
    Abort = 3,

    /// <summary>The last checkpoint of a run that failed.</summary>
    Save = 4,
}

/// <summary>How long a run waits for what.</summary>
public sealed record RunWaits
{
    /// <summary>For workers.desired once workers.min are there: about the time in which a batch system starts the rest.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For the processes that a launcher starts on its own machine: far more than a cold start takes.</summary>
    public TimeSpan Launch { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>For loading data, model and checkpoint: a large data set is hashed on the way.</summary>
    public TimeSpan Prepare { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>For the answer to Abort: a member finishes at most one logical rank's pass before it looks.</summary>
    public TimeSpan Abort { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For the last checkpoint of a failed run: a large state on a slow disk.</summary>
    public TimeSpan Save { get; init; } = TimeSpan.FromMinutes(30);
}
