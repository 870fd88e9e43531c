using Orchestrator.Core.Ledger;

namespace Orchestrator.Protocol.Mapping;

/// <summary>Between a ledger's entry on the wire and the domain's.</summary>
internal static class LedgerMapping
{
    public static V1.LedgerEntry ToWire(LedgerEntry entry) => new()
    {
        Step = entry.Step, LogicalRank = entry.LogicalRank, SampleCount = entry.SampleCount,
        DigestSum = entry.Digest.Sum, DigestChain = entry.Digest.Chain,
    };

    public static LedgerEntry ToDomain(V1.LedgerEntry wire) =>
        new(wire.Step, wire.LogicalRank, wire.SampleCount, new SampleDigest(wire.DigestSum, wire.DigestChain));
}
