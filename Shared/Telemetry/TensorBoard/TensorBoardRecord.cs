using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Orchestrator.Telemetry.TensorBoard;

/// <summary>One record of an event file: the protobuf message of an event in the framing of TFRecord.</summary>
/// <remarks>
/// TFRecord: u64 length, u32 masked CRC-32C of the 8 bytes of length, the data, u32 masked CRC-32C of the data; all little-endian.
/// The mask is a rotation by 15 plus a constant, so that a CRC of data that holds CRCs stays a good one.
/// The message, by field number: Event {1 wall_time: double, 2 step: int64, 3 file_version: string, 5 summary: Summary},
/// Summary {1 value: repeated Value}, Value {1 tag: string, 2 simple_value: float}.
/// Source: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
/// </remarks>
internal static class TensorBoardRecord
{
    private const uint MaskDelta = 0xa282ead8;
    private const int FrameBytes = 16;

    // Wire types of protobuf.
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    /// <summary>The first record of every file.</summary>
    public static byte[] FileVersion(double wallTime)
    {
        var message = new MemoryStream();
        WriteDouble(message, 1, wallTime);
        WriteBytes(message, 3, "brain.Event:2"u8);
        return Frame(message.ToArray());
    }

    public static byte[] Scalar(string tag, long step, float value, double wallTime)
    {
        var item = new MemoryStream();
        WriteBytes(item, 1, Encoding.UTF8.GetBytes(tag));
        WriteFloat(item, 2, value);
        var summary = new MemoryStream();
        WriteBytes(summary, 1, item.ToArray());
        var message = new MemoryStream();
        WriteDouble(message, 1, wallTime);
        WriteTag(message, 2, Varint);
        WriteVarint(message, (ulong)step);
        WriteBytes(message, 5, summary.ToArray());
        return Frame(message.ToArray());
    }

    /// <summary>CRC-32C (Castagnoli), masked as TFRecord wants it.</summary>
    public static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }
        return BitOperations.RotateRight(~crc, 15) + MaskDelta;
    }

    private static byte[] Frame(byte[] data)
    {
        var record = new byte[data.Length + FrameBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(record, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(8), MaskedCrc(record.AsSpan(0, 8)));
        data.CopyTo(record, 12);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(12 + data.Length), MaskedCrc(data));
        return record;
    }

    private static void WriteTag(MemoryStream stream, int field, int wireType) => WriteVarint(stream, (ulong)(field << 3 | wireType));

    private static void WriteVarint(MemoryStream stream, ulong value)
    {
        while (value >= 0x80)
        {
            stream.WriteByte((byte)(value | 0x80));
            value >>= 7;
        }
        stream.WriteByte((byte)value);
    }

    private static void WriteBytes(MemoryStream stream, int field, ReadOnlySpan<byte> bytes)
    {
        WriteTag(stream, field, LengthDelimited);
        WriteVarint(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void WriteDouble(MemoryStream stream, int field, double value)
    {
        WriteTag(stream, field, Fixed64);
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void WriteFloat(MemoryStream stream, int field, float value)
    {
        WriteTag(stream, field, Fixed32);
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        stream.Write(bytes);
    }
}
