using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Everything the coordinator knows of one run. Immutable: a snapshot may be read on any thread.</summary>
public sealed record RunState
{
    public required RunOrder Order { get; init; }

    public required RunPhase Phase { get; init; }

    /// <summary>The present or the last generation; None before the first.</summary>
    public Generation Generation { get; init; } = Generation.None;

    /// <summary>Workers that may not be members, and why.</summary>
    public ImmutableSortedDictionary<WorkerId, string> Refused { get; init; } = ImmutableSortedDictionary<WorkerId, string>.Empty;

    public RunProgress Progress { get; init; } = RunProgress.None;

    /// <summary>What was fed in the steps that are not stored in the ledger yet.</summary>
    public LedgerBook Ledger { get; init; } = LedgerBook.Empty;

    /// <summary>Why the run is where it is, in a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The run ends when this many steps are applied; 0: not known yet.</summary>
    public long LastStep { get; init; }

    /// <summary>Members with which the last generation began; 0 before the first.</summary>
    public int GenerationSize { get; init; }

    public RunId Id => Order.Id;

    /// <summary>The crew of the generation that trains or is being given up; null before and after.</summary>
    public Crew? Crew => Phase switch
    {
        RunPhase.Running running => running.Crew,
        RunPhase.Aborting aborting => aborting.Crew,
        RunPhase.Saving saving => saving.Crew,
        _ => null,
    };

    /// <summary>Workers that serve the run now.</summary>
    public IEnumerable<WorkerId> Members => Phase is RunPhase.Preparing preparing ? preparing.Members.Keys : Crew?.Members.Keys ?? [];
}
