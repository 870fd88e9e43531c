using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>What can happen to a coordinator. Closed set.</summary>
public abstract record ClusterEvent
{
    private ClusterEvent() { }

    /// <summary>Names whoever waits until all that comes of it is carried out, and so stored; null: nobody does.</summary>
    public long? Asker { get; init; }

    /// <summary>A stream was opened and the worker introduced itself.</summary>
    /// <param name="Connection">Names the stream until the worker has an id.</param>
    /// <param name="Hello">How it introduced itself.</param>
    public sealed record WorkerAttached(long Connection, WorkerMessage.Hello Hello) : ClusterEvent
    {
        /// <summary>The only run that its token is good for; null: any.</summary>
        public RunId? OnlyRun { get; init; }
    }

    public sealed record WorkerSaid(WorkerId Worker, WorkerMessage Message) : ClusterEvent;

    /// <summary>The worker's stream ended; the last event of this worker.</summary>
    public sealed record WorkerLost(WorkerId Worker, string Reason) : ClusterEvent
    {
        /// <summary>The stream; when the worker has come back by another one, nothing is lost. Null: the only one that it has.</summary>
        public long? Connection { get; init; }
    }

    public sealed record RunSubmitted(RunOrder Order) : ClusterEvent;

    /// <summary>This coordinator owns the runs from here on: the first event of its life.</summary>
    /// <param name="Runs">In the order in which they were submitted.</param>
    /// <param name="LastWorkerNumber">Workers get numbers above it.</param>
    public sealed record RunsAdopted(ImmutableArray<RevivedRun> Runs, long LastWorkerNumber) : ClusterEvent
    {
        public PoolSnapshot Pool { get; init; } = PoolSnapshot.Empty;
    }

    public sealed record StopRequested(RunId Run, string Reason) : ClusterEvent;

    /// <inheritdoc cref="RunEvent.ScaleRequested"/>
    public sealed record ScaleRequested(RunId Run, int Desired) : ClusterEvent;

    /// <summary>A person wants a worker out of its run, behind a step. It gets no other run, whoever owns the runs, until it is taken back or its process ends.</summary>
    public sealed record DrainRequested(WorkerId Worker) : ClusterEvent;

    /// <summary>A worker that was drained may serve runs again.</summary>
    public sealed record TakeBackRequested(WorkerId Worker) : ClusterEvent;

    /// <summary>Comes every <see cref="Liveness.LivenessRule.TickInterval"/>.</summary>
    public sealed record Tick : ClusterEvent;

    /// <inheritdoc cref="RunEvent.LaunchFailed"/>
    public sealed record LaunchFailed(RunId Run, string Reason) : ClusterEvent;

    /// <inheritdoc cref="RunEvent.LedgerWritten"/>
    public sealed record LedgerWritten(RunId Run, long Number) : ClusterEvent;

    /// <inheritdoc cref="RunEvent.LedgerFailed"/>
    public sealed record LedgerFailed(RunId Run, long Written, string Reason) : ClusterEvent;

    public sealed record TimerFired(RunId Run, RunTimer Timer, Generation Generation) : ClusterEvent;
}
