using Orchestrator.Core.Reduction;
using Orchestrator.Protocol.V1;
using Orchestrator.Worker.Core.AllReduce;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Between a segment on the wire and its header in the core.</summary>
internal static class SegmentMapping
{
    public static SegmentHeader ToHeader(this Segment segment) => new(
        new Generation(segment.Generation), segment.Step, segment.Sender, segment.Phase == Phase.Gather,
        new TreeNode(segment.NodeFirst, segment.NodeLength), new ElementRange(segment.Offset, segment.Payload.Length / sizeof(float)),
        new Generation(segment.PreparedGeneration));

    public static Segment ToSegment(this SegmentHeader header, Google.Protobuf.ByteString payload) => new()
    {
        Generation = header.Generation.Number,
        Step = header.Step,
        Sender = header.Sender,
        Phase = header.IsGather ? Phase.Gather : Phase.Reduce,
        NodeFirst = header.Node.First,
        NodeLength = header.Node.Length,
        Offset = header.Range.Offset,
        Payload = payload,
        PreparedGeneration = header.Prepared.Number,
    };
}
