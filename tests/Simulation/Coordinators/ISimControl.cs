using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Simulation.Workers;
using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Coordinators;

/// <summary>Who directs a simulated run: one coordinator, or several on one store.</summary>
internal interface ISimControl
{
    /// <summary>Who directs it now, for faults and traces.</summary>
    SimProcess Process { get; }

    /// <summary>Null: nobody directs it now.</summary>
    RunState? RunState { get; }

    /// <summary>Of the ownership; rises with each.</summary>
    long Term { get; }

    RunOutcome? Outcome { get; }

    SimLedger Ledger { get; }

    /// <summary>A person was told that something is not as usual.</summary>
    bool HasWarned { get; }

    /// <summary>Generations that began from the initial weights or from a checkpoint.</summary>
    int Loads { get; }

    /// <summary>Where a worker may look for the owner; empty: there is one coordinator.</summary>
    ImmutableArray<string> Addresses { get; }

    void Start(RunOrder order);

    /// <summary>A person asks for something.</summary>
    void Ask(ClusterEvent @event);

    /// <summary>The clock is set forward, as a time server does it.</summary>
    void Jump(TimeSpan by);

    /// <summary>A worker opens its stream.</summary>
    /// <param name="address">One of <see cref="Addresses"/>; null: of the only one.</param>
    SimStream Attach(SimWorker worker, string key, string? address, Action<string> lost);

    /// <summary>Whom the one that refused this stream named as the owner; null: nobody.</summary>
    string? HintOf(string key);
}
