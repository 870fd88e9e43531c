using Orchestrator.Bulk.Messages;

namespace Orchestrator.Bulk.Tests;

public sealed class SegmentCodecTests
{
    private const int Large = 1 << 20;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(12_345_678)]
    public void WriteHead_LargePayloadAnywhere_PutsItAtAMultipleOf64(long step)
    {
        var header = new BulkHeader(12, step, 15, BulkPhase.Reduce, 4, 4, 100_000_000, 5, Large);
        var head = new byte[SegmentCodec.MaxHeadBytes];
        for (var position = 0; position < 64; position++)
        {
            var bytes = SegmentCodec.WriteHead(header, SegmentCodec.Padding(header, position), head);
            Assert.Equal(0, (position + bytes) % 64);
            AssertReads(header, head.AsSpan(0, bytes));
        }
    }

    [Theory]
    [InlineData(long.MaxValue, int.MaxValue)]
    [InlineData(-1, -1)]
    public void WriteHead_NumbersThatCannotGrow_AreWrittenAsTheyAre(long number, int small)
    {
        var header = new BulkHeader(number, number, small, (BulkPhase)small, small, small, number, number, Large);
        var head = new byte[SegmentCodec.MaxHeadBytes];
        for (var position = 0; position < 64; position++)
        {
            AssertReads(header, head.AsSpan(0, SegmentCodec.WriteHead(header, SegmentCodec.Padding(header, position), head)));
        }
    }

    [Fact]
    public void ReadFields_EveryPrefixOfAHead_NeedsMore()
    {
        var header = new BulkHeader(12, 3, 15, BulkPhase.Reduce, 4, 4, 100_000_000, 5, 70);
        var head = new byte[SegmentCodec.MaxHeadBytes];
        var bytes = SegmentCodec.WriteHead(header, 0, head) - SegmentCodec.PrefixBytes;
        for (var length = 0; length < bytes; length++)
        {
            Assert.Equal(FieldsOutcome.NeedMore, SegmentCodec.ReadFields(head.AsSpan(SegmentCodec.PrefixBytes, length), bytes + 70, out _, out _));
        }
    }

    private static void AssertReads(in BulkHeader header, ReadOnlySpan<byte> head)
    {
        var fields = head[SegmentCodec.PrefixBytes..];
        Assert.Equal(FieldsOutcome.PayloadNext, SegmentCodec.ReadFields(fields, fields.Length + header.PayloadBytes, out var read, out var payloadAt));
        Assert.Equal(header, read);
        Assert.Equal(fields.Length, payloadAt);
    }
}
