using System.Buffers.Binary;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Connections;

/// <summary>Writes the small frames.</summary>
internal static class ControlFrames
{
    public const int WindowUpdateBytes = FrameHeader.Bytes + 4;
    public const int ResetBytes = FrameHeader.Bytes + 4;
    public const int PingBytes = FrameHeader.Bytes + 8;
    public const int MostSettingsBytes = FrameHeader.Bytes + (6 * Settings.EntryBytes);
    public const int GoAwayBytes = FrameHeader.Bytes + 8;

    private const int PingPayloadBytes = 8;

    /// <summary>What a client sends before its first frame (RFC 9113, section 3.4).</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public static int WriteSettings(Span<byte> frame, in Settings settings)
    {
        var bytes = settings.Write(frame[FrameHeader.Bytes..]);
        new FrameHeader(bytes, FrameType.Settings, 0, 0).Write(frame);
        return FrameHeader.Bytes + bytes;
    }

    public static int WriteSettingsAck(Span<byte> frame)
    {
        new FrameHeader(0, FrameType.Settings, FrameFlags.Ack, 0).Write(frame);
        return FrameHeader.Bytes;
    }

    public static int WritePing(Span<byte> frame, ReadOnlySpan<byte> opaque, bool isAck)
    {
        new FrameHeader(PingPayloadBytes, FrameType.Ping, isAck ? FrameFlags.Ack : (byte)0, 0).Write(frame);
        opaque.CopyTo(frame[FrameHeader.Bytes..]);
        return PingBytes;
    }

    public static int WriteWindowUpdate(Span<byte> frame, int streamId, int increment)
    {
        new FrameHeader(4, FrameType.WindowUpdate, 0, streamId).Write(frame);
        BinaryPrimitives.WriteInt32BigEndian(frame[FrameHeader.Bytes..], increment);
        return WindowUpdateBytes;
    }

    public static int WriteReset(Span<byte> frame, int streamId, ErrorCode code)
    {
        new FrameHeader(4, FrameType.ResetStream, 0, streamId).Write(frame);
        BinaryPrimitives.WriteUInt32BigEndian(frame[FrameHeader.Bytes..], (uint)code);
        return ResetBytes;
    }

    /// <param name="frame">At least <see cref="GoAwayBytes"/> and the debug text.</param>
    public static int WriteGoAway(Span<byte> frame, int lastStreamId, ErrorCode code, ReadOnlySpan<byte> debug)
    {
        new FrameHeader(8 + debug.Length, FrameType.GoAway, 0, 0).Write(frame);
        BinaryPrimitives.WriteInt32BigEndian(frame[FrameHeader.Bytes..], lastStreamId);
        BinaryPrimitives.WriteUInt32BigEndian(frame[(FrameHeader.Bytes + 4)..], (uint)code);
        debug.CopyTo(frame[GoAwayBytes..]);
        return GoAwayBytes + debug.Length;
    }
}
