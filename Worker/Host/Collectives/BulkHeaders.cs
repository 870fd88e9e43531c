using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Between a segment's header in the core and on the wire.</summary>
internal static class BulkHeaders
{
    public static BulkHeader ToWire(this SegmentHeader header) => new(
        header.Generation.Number, header.Step, header.Sender, header.IsGather ? BulkPhase.Gather : BulkPhase.Reduce, header.Node.First, header.Node.Length,
        header.Range.Offset, header.Prepared.Number, checked((int)header.Range.Length * sizeof(float)));

    /// <summary>The same with the payload where it lies in memory that the receiver can read.</summary>
    public static BulkHeader ToWire(this SegmentHeader header, BulkReference reference) => header.ToWire() with { PayloadBytes = 0, Reference = reference };

    /// <summary>An entry of the ledger in a message without payload.</summary>
    public static BulkHeader ToWire(this LedgerEntry entry, Generation generation, int sender) => new(
        generation.Number, entry.Step, sender, BulkPhase.Fed, entry.LogicalRank, entry.SampleCount, (long)entry.Digest.Sum, (long)entry.Digest.Chain, 0);

    public static LedgerEntry ToLedgerEntry(this in BulkHeader header) =>
        new(header.Step, header.NodeFirst, header.NodeLength, new SampleDigest((ulong)header.Offset, (ulong)header.PreparedGeneration));

    /// <exception cref="BulkRejectedException">The payload is no whole number of elements, or the phase is unknown.</exception>
    public static SegmentHeader ToDomain(this in BulkHeader header)
    {
        var bytes = header.Reference == default ? header.PayloadBytes : header.Reference.Bytes;
        return bytes >= 0 && bytes % sizeof(float) == 0 && header.Phase is BulkPhase.Reduce or BulkPhase.Gather
            ? new SegmentHeader(
                new Generation(header.Generation), header.Step, header.Sender, header.Phase == BulkPhase.Gather,
                new TreeNode(header.NodeFirst, header.NodeLength), new ElementRange(header.Offset, bytes / sizeof(float)),
                new Generation(header.PreparedGeneration))
            : throw new BulkRejectedException(
                BulkStatus.InvalidArgument, $"A segment of phase {header.Phase} with {bytes} bytes: reduce or gather with whole fp32 elements was expected.");
    }
}
