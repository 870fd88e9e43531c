using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>Who directs simulated runs: one coordinator, or several on one store.</summary>
internal interface ISimControl
{
    /// <summary>Who directs them now, for faults and traces.</summary>
    SimProcess Process { get; }

    /// <summary>What the one that directs them knows; null: nobody does now.</summary>
    ClusterState? State { get; }

    /// <summary>Of the ownership; rises with each.</summary>
    long Term { get; }

    /// <summary>A person was told that something is not as usual.</summary>
    bool HasWarned { get; }

    /// <summary>Generations that began from the initial weights or from a checkpoint.</summary>
    int Loads { get; }

    /// <summary>Where a worker may look for the owner; empty: there is one coordinator.</summary>
    ImmutableArray<string> Addresses { get; }

    /// <returns>Null: its end has not been told.</returns>
    RunOutcome? OutcomeOf(RunId run);

    SimLedger LedgerOf(RunId run);

    void Start();

    void Submit(RunOrder order);

    /// <summary>A person asks for something of a run that is known, or soon will be; of one that has ended nothing comes of it.</summary>
    void Ask(RunId run, ClusterEvent @event);

    /// <summary>A person drains a worker, or takes it back, and asks until it is answered.</summary>
    /// <param name="worker">Who.</param>
    /// <param name="isUndone">Take it back.</param>
    /// <param name="over">True: it was answered; false: the worker has died.</param>
    void Drain(SimWorker worker, bool isUndone, Action<bool> over);

    /// <summary>The clock is set forward, as a time server does it.</summary>
    void Jump(TimeSpan by);

    /// <summary>A worker opens its stream.</summary>
    /// <param name="address">One of <see cref="Addresses"/>; null: of the only one.</param>
    SimStream Attach(SimWorker worker, string key, string? address, Action<string> lost);

    /// <summary>Whom the one that refused this stream named as the owner; null: nobody.</summary>
    string? HintOf(string key);
}
