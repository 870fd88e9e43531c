using System.Buffers.Binary;

namespace Orchestrator.Bulk.Http2;

/// <summary>The nine bytes before every frame (RFC 9113, section 4.1).</summary>
/// <param name="Length">Bytes of the frame after these nine; 0 to 2^24 - 1.</param>
/// <param name="Type">May be a number that <see cref="FrameType"/> does not name.</param>
/// <param name="Flags">See <see cref="FrameFlags"/>.</param>
/// <param name="StreamId">0: the connection. The reserved bit is cleared.</param>
internal readonly record struct FrameHeader(int Length, FrameType Type, byte Flags, int StreamId)
{
    public const int Bytes = 9;

    /// <summary>The largest length that 24 bits can say, so the largest SETTINGS_MAX_FRAME_SIZE.</summary>
    public const int LargestLength = (1 << 24) - 1;

    /// <summary>What every peer accepts, and the smallest SETTINGS_MAX_FRAME_SIZE.</summary>
    public const int DefaultLength = 1 << 14;

    public bool Has(byte flag) => (Flags & flag) != 0;

    public static FrameHeader Read(ReadOnlySpan<byte> bytes) => new(
        (bytes[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]),
        (FrameType)bytes[3],
        bytes[4],
        BinaryPrimitives.ReadInt32BigEndian(bytes[5..]) & int.MaxValue);

    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(bytes, ((uint)Length << 8) | (byte)Type);
        bytes[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(bytes[5..], StreamId);
    }
}
