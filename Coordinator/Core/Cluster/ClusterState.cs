using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>What one coordinator knows: its workers and its runs. Immutable: a snapshot may be read on any thread.</summary>
public sealed record ClusterState
{
    /// <summary>Attached workers; one stream and a few kilobytes each. `simulate --control-plane` shows what ten thousand of them cost.</summary>
    public const int MaxWorkers = 16_384;

    /// <summary>Runs that wait for their turn.</summary>
    public const int MaxQueuedRuns = 1000;

    /// <summary>Ended runs that status still shows; their folders stay.</summary>
    public const int MaxEndedRuns = 200;

    public required ClusterOptions Options { get; init; }

    /// <summary>The number of the worker that attached last; never used again.</summary>
    public long LastWorkerNumber { get; init; }

    public ImmutableSortedDictionary<WorkerId, Candidate> Workers { get; init; } = ImmutableSortedDictionary<WorkerId, Candidate>.Empty;

    /// <summary>When each attached worker was heard last.</summary>
    public ImmutableSortedDictionary<WorkerId, Pulse> Pulses { get; init; } = ImmutableSortedDictionary<WorkerId, Pulse>.Empty;

    public DateTimeOffset LastTick { get; init; }

    /// <summary>The step that the members of the current run were told is recorded.</summary>
    public long RecordedStep { get; init; }

    /// <summary>In the order in which they were submitted; the first that has not ended is the current one.</summary>
    public ImmutableArray<RunState> Runs { get; init; } = [];

    /// <summary>The run that has its turn; null: none is waiting.</summary>
    public RunState? Current => Runs.FirstOrDefault(run => run.Phase is not RunPhase.Ended);

    public RunState? Find(RunId id) => Runs.FirstOrDefault(run => run.Id == id);

    /// <summary>The run that a worker serves; null: it is free.</summary>
    public RunState? RunOf(WorkerId worker) => Current is { } run && run.IsServedBy(worker) ? run : null;
}

/// <param name="Version">Of the program; workers must have the same.</param>
/// <param name="Waits">How long runs wait for what.</param>
public sealed record ClusterOptions(string Version, RunWaits Waits)
{
    /// <summary>Runs outlive the coordinator: members are told what is recorded, so that they need not keep it for the next one.</summary>
    public bool IsDurable { get; init; }
}
