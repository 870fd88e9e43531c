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

    /// <summary>The same elements in two bytes each.</summary>
    public static BulkHeader ToPacked(this in BulkHeader header) => header with
    {
        Phase = header.Phase == BulkPhase.Gather ? BulkPhase.GatherBf16 : BulkPhase.ReduceBf16,
        PayloadBytes = header.PayloadBytes / sizeof(float) * sizeof(ushort),
    };

    /// <summary>Whether the payload's elements have two bytes each.</summary>
    public static bool IsPacked(this in BulkHeader header) => header.Phase is BulkPhase.ReduceBf16 or BulkPhase.GatherBf16;

    /// <exception cref="BulkRejectedException">The payload is no whole number of elements, or the phase is unknown.</exception>
    public static SegmentHeader ToDomain(this in BulkHeader header)
    {
        var bytes = header.Reference == default ? header.PayloadBytes : header.Reference.Bytes;
        var isGather = header.Phase is BulkPhase.Gather or BulkPhase.GatherBf16;
        var elementBytes = WireFormat.BytesOf(header.IsPacked());
        // What is read in a peer's memory is always fp32.
        var isKnown = header.IsPacked() ? header.Reference == default : header.Phase is BulkPhase.Reduce or BulkPhase.Gather;
        return bytes >= 0 && bytes % elementBytes == 0 && isKnown
            ? new SegmentHeader(
                new Generation(header.Generation), header.Step, header.Sender, isGather,
                new TreeNode(header.NodeFirst, header.NodeLength), new ElementRange(header.Offset, bytes / elementBytes),
                new Generation(header.PreparedGeneration))
            : throw new BulkRejectedException(
                BulkStatus.InvalidArgument, $"A segment of phase {header.Phase} with {bytes} bytes: reduce or gather with whole fp32 elements, or bf16 ones in the message, was expected.");
    }
}
