using System.Buffers.Binary;
using Google.Protobuf;
using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Bulk.Tests;

/// <summary>Builds frames byte by byte, the wrong ones too.</summary>
internal static class Frames
{
    public static byte[] Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    public static byte[] Of(FrameType type, int flags, int streamId, params byte[] payload)
    {
        var frame = new byte[FrameHeader.Bytes + payload.Length];
        new FrameHeader(payload.Length, type, (byte)flags, streamId).Write(frame);
        payload.CopyTo(frame, FrameHeader.Bytes);
        return frame;
    }

    public static byte[] Settings(params (int Id, uint Value)[] entries) => Of(FrameType.Settings, 0, 0, [.. entries.SelectMany(entry =>
        (byte[])[(byte)(entry.Id >> 8), (byte)entry.Id, .. Number(entry.Value)])]);

    public static byte[] WindowUpdate(int streamId, uint increment) => Of(FrameType.WindowUpdate, 0, streamId, Number(increment));

    public static byte[] Reset(int streamId, ErrorCode code = ErrorCode.Cancel) => Of(FrameType.ResetStream, 0, streamId, Number((uint)code));

    public static byte[] Ping(int flags = 0) => Of(FrameType.Ping, flags, 0, 1, 2, 3, 4, 5, 6, 7, 8);

    public static byte[] Headers(int streamId, IEnumerable<HeaderField> fields, int flags = FrameFlags.EndHeaders) =>
        Of(FrameType.Headers, flags, streamId, HpackEncoder.Encode(fields));

    /// <summary>The head of a good call.</summary>
    public static byte[] Call(int streamId = 1, int flags = FrameFlags.EndHeaders) => Headers(streamId, CallFields, flags);

    public static List<HeaderField> CallFields => RequestHead.Write(Pair.Call, "test", isTls: false);

    public static byte[] Data(int streamId, byte[] bytes, int flags = 0) => Of(FrameType.Data, flags, streamId, bytes);

    /// <summary>A gRPC message of protobuf's own making.</summary>
    public static byte[] Message(Segment segment) => Prefixed(segment.ToByteArray());

    public static byte[] Prefixed(byte[] message, byte flag = 0) => [flag, .. Number((uint)message.Length), .. message];

    public static Segment Segment(int payloadBytes, int seed = 0) => new()
    {
        Generation = 7,
        Step = 1,
        Sender = 3,
        Phase = Phase.Reduce,
        NodeFirst = 2,
        NodeLength = 2,
        Offset = 4096,
        PreparedGeneration = 7,
        Payload = ByteString.CopyFrom(Payload.Expected(payloadBytes, seed)),
    };

    public static byte[] Number(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
