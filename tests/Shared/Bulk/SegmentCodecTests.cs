using Orchestrator.Bulk.Messages;

namespace Orchestrator.Bulk.Tests;

public sealed class SegmentCodecTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1L << 40)]
    [InlineData(12345678)]
    public void WriteHead_LargePayload_PutsItAtAMultipleOf64(long number)
    {
        var header = new BulkHeader(number, number, (int)number, (BulkPhase)2, (int)number, 0, number, 5, 1 << 20);
        var head = new byte[SegmentCodec.MaxHeadBytes];
        for (var position = 0; position < 64; position++)
        {
            var bytes = SegmentCodec.WriteHead(header, SegmentCodec.Padding(header, position), head);
            Assert.Equal(0, (position + bytes) % 64);
            Assert.Equal(FieldsOutcome.PayloadNext, SegmentCodec.ReadFields(head.AsSpan(SegmentCodec.PrefixBytes, bytes - SegmentCodec.PrefixBytes),
                bytes - SegmentCodec.PrefixBytes + (1 << 20), out var read, out var payloadAt));
            Assert.Equal(header, read);
            Assert.Equal(bytes - SegmentCodec.PrefixBytes, payloadAt);
        }
    }
}
