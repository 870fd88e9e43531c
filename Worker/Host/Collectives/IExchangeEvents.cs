using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>What an exchange tells the member that it belongs to.</summary>
internal interface IExchangeEvents
{
    /// <summary>A step's whole reduced gradient is held, and nothing of the step is being added any more.</summary>
    void Decided(Generation generation, long step, Generation agreed);

    /// <summary>What a peer fed to one of its ranks, told before the peer's partials of that step.</summary>
    void Told(LedgerEntry entry);

    /// <summary>The exchange cannot go on; told once.</summary>
    void Broken(Generation generation, WorkerId peer, string reason);
}

/// <summary>An all-reduce could not be finished: which peer, which step, why.</summary>
internal sealed class ExchangeException(string message) : Exception(message);
