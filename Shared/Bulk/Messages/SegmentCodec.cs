using System.Buffers.Binary;
using System.Numerics;

namespace Orchestrator.Bulk.Messages;

/// <summary>How far the reading of a message's fields has come.</summary>
internal enum FieldsOutcome
{
    /// <summary>The bytes end within the fields.</summary>
    NeedMore,

    /// <summary>The payload begins at the position, and nothing follows it: its place can be asked for.</summary>
    PayloadNext,

    /// <summary>All fields are read; the message has no payload.</summary>
    Complete,

    /// <summary>Fields stand in an order in which only the whole message says where its payload belongs.</summary>
    OutOfOrder,

    /// <summary>It is no protobuf message.</summary>
    Malformed,
}

/// <summary>The gRPC prefix and the protobuf fields of <c>orchestrator.v1.Segment</c>, all before its payload.</summary>
internal static class SegmentCodec
{
    /// <summary>gRPC's: one byte that says whether the message is compressed, four of length.</summary>
    public const int PrefixBytes = 5;

    /// <summary>The most that prefix and fields come to: twelve tags of one byte, twelve numbers of up to ten.</summary>
    public const int MaxHeadBytes = PrefixBytes + (12 * 11);

    // A cache line: what the kernel's copies like.
    private const int AlignmentBytes = 64;
    private const int LeastAlignedPayloadBytes = 16 * 1024;
    private const int LongestNumberBytes = 10;
    private const int Numbers = 8;

    private const int GenerationField = 1;
    private const int StepField = 2;
    private const int SenderField = 3;
    private const int PhaseField = 4;
    private const int NodeFirstField = 5;
    private const int NodeLengthField = 6;
    private const int OffsetField = 7;
    private const int PreparedGenerationField = 8;
    private const int PayloadField = 9;
    private const int SegmentField = 10;
    private const int SegmentOffsetField = 11;
    private const int SegmentBytesField = 12;

    private const int VarintType = 0;
    private const int Fixed64Type = 1;
    private const int BytesType = 2;
    private const int GroupType = 3;
    private const int EndGroupType = 4;
    private const int Fixed32Type = 5;
    private const int TypeBits = 3;

    // What protobuf's own readers allow is 100; groups have been out of use for longer than gRPC exists.
    private const int DeepestGroup = 8;

    /// <summary>Bytes by which the head of a message grows so that its payload begins at a multiple of a cache line.</summary>
    /// <remarks>
    /// The kernel copies bytes between places that lie alike in their cache lines a quarter faster than others (measured, over TCP and Unix
    /// sockets). Numbers may be written with more bytes than they need, which every reader of protobuf takes.
    /// </remarks>
    /// <param name="header">The message's.</param>
    /// <param name="position">Where the head begins, in bytes from where the kernel's buffer does.</param>
    /// <returns>0 for a small payload, or when the numbers cannot grow that much.</returns>
    public static int Padding(in BulkHeader header, long position)
    {
        if (header.PayloadBytes < LeastAlignedPayloadBytes)
        {
            return 0;
        }

        Span<ulong> numbers = stackalloc ulong[Numbers];
        List(header, numbers);
        var bytes = PrefixBytes + 1 + NumberBytes((ulong)header.PayloadBytes);
        var mayGrow = 0;
        foreach (var number in numbers)
        {
            bytes += 1 + NumberBytes(number);
            mayGrow += LongestNumberBytes - NumberBytes(number);
        }

        var padding = (int)(-(position + bytes) & (AlignmentBytes - 1));
        return padding <= mayGrow ? padding : 0;
    }

    /// <summary>Writes everything that stands before the payload's bytes.</summary>
    /// <param name="header">What is written.</param>
    /// <param name="padding">Of <see cref="Padding"/>.</param>
    /// <param name="head">At least <see cref="MaxHeadBytes"/>.</param>
    /// <returns>Bytes written.</returns>
    public static int WriteHead(in BulkHeader header, int padding, Span<byte> head)
    {
        Span<ulong> numbers = stackalloc ulong[Numbers];
        List(header, numbers);
        var writesZeros = header.PayloadBytes >= LeastAlignedPayloadBytes;
        var at = PrefixBytes;
        for (var index = 0; index < numbers.Length; index++)
        {
            if (numbers[index] != 0 || writesZeros)
            {
                head[at++] = (byte)((index + 1) << TypeBits | VarintType);
                var more = Math.Min(padding, LongestNumberBytes - NumberBytes(numbers[index]));
                at += WriteNumber(head[at..], numbers[index], more);
                padding -= more;
            }
        }

        if (header.Reference != default)
        {
            // They have higher numbers than the payload, but must stand before it.
            at += WriteField(head[at..], SegmentField, (ulong)header.Reference.Segment);
            at += WriteField(head[at..], SegmentOffsetField, (ulong)header.Reference.Offset);
            at += WriteField(head[at..], SegmentBytesField, (ulong)header.Reference.Bytes);
        }

        if (header.PayloadBytes > 0)
        {
            head[at++] = (PayloadField << TypeBits) | BytesType;
            at += WriteNumber(head[at..], (ulong)header.PayloadBytes, 0);
        }

        WritePrefix(head, at - PrefixBytes + header.PayloadBytes);
        return at;
    }

    /// <summary>gRPC's prefix of a message that is not compressed.</summary>
    public static void WritePrefix(Span<byte> prefix, int messageBytes)
    {
        prefix[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], messageBytes);
    }

    /// <summary><c>PushSummary</c> with its prefix.</summary>
    public static byte[] WriteSummary(long segments)
    {
        Span<byte> message = stackalloc byte[PrefixBytes + 11];
        message[PrefixBytes] = 1 << TypeBits | VarintType;
        var fields = segments == 0 ? 0 : 1 + WriteNumber(message[(PrefixBytes + 1)..], (ulong)segments, 0);
        WritePrefix(message, fields);
        return message[..(PrefixBytes + fields)].ToArray();
    }

    /// <summary>The segments that a <c>PushSummary</c> (without its prefix) tells of. Null: it is no such message.</summary>
    public static long? ReadSummary(ReadOnlySpan<byte> message)
    {
        var segments = 0L;
        var at = 0;
        while (at < message.Length)
        {
            if (!TryReadVarint(message, ref at, out var tag))
            {
                return null;
            }

            if (tag == (1 << TypeBits | VarintType))
            {
                if (!TryReadVarint(message, ref at, out var value))
                {
                    return null;
                }

                segments = (long)value;
            }
            else if (Skip(message, ref at, tag, 0) != FieldsOutcome.Complete)
            {
                return null;
            }
        }

        return segments;
    }

    /// <summary>Reads fields from the start of a message up to its payload.</summary>
    /// <param name="bytes">The message's bytes so far.</param>
    /// <param name="messageBytes">Its whole length, by gRPC's prefix.</param>
    /// <param name="header">The fields; complete with PayloadNext and Complete.</param>
    /// <param name="position">Where the payload's bytes begin.</param>
    public static FieldsOutcome ReadFields(ReadOnlySpan<byte> bytes, int messageBytes, out BulkHeader header, out int position)
    {
        header = default;
        position = 0;
        while (position < messageBytes)
        {
            var at = position;
            if (!TryReadVarint(bytes, ref at, out var tag))
            {
                return Short(bytes, at);
            }

            if (tag == (PayloadField << TypeBits | BytesType))
            {
                if (!TryReadVarint(bytes, ref at, out var length))
                {
                    return Short(bytes, at);
                }

                if (length > (ulong)(messageBytes - at))
                {
                    return FieldsOutcome.Malformed;
                }

                if ((int)length != messageBytes - at)
                {
                    return FieldsOutcome.OutOfOrder;
                }

                position = at;
                header = header with { PayloadBytes = (int)length };
                return length == 0 ? FieldsOutcome.Complete : FieldsOutcome.PayloadNext;
            }

            var outcome = ReadField(bytes, ref at, tag, ref header);
            if (outcome != FieldsOutcome.Complete)
            {
                return outcome;
            }

            position = at;
        }

        return position == messageBytes ? FieldsOutcome.Complete : FieldsOutcome.Malformed;
    }

    /// <summary>Reads a whole message with its fields in any order; of a field that comes twice, the last counts.</summary>
    /// <returns>False: it is no protobuf message.</returns>
    public static bool ReadWhole(ReadOnlySpan<byte> message, out BulkHeader header, out ReadOnlySpan<byte> payload)
    {
        header = default;
        payload = default;
        var at = 0;
        while (at < message.Length)
        {
            if (!TryReadVarint(message, ref at, out var tag))
            {
                return false;
            }

            if (tag == (PayloadField << TypeBits | BytesType))
            {
                if (!TryReadVarint(message, ref at, out var length) || length > (ulong)(message.Length - at))
                {
                    return false;
                }

                payload = message.Slice(at, (int)length);
                at += (int)length;
            }
            else if (ReadField(message, ref at, tag, ref header) != FieldsOutcome.Complete)
            {
                return false;
            }
        }

        header = header with { PayloadBytes = payload.Length };
        return true;
    }

    private static FieldsOutcome ReadField(ReadOnlySpan<byte> bytes, ref int at, ulong tag, ref BulkHeader header)
    {
        if ((tag & 7) != VarintType || tag >> TypeBits is 0 or PayloadField or > SegmentBytesField)
        {
            return Skip(bytes, ref at, tag, 0);
        }

        if (!TryReadVarint(bytes, ref at, out var value))
        {
            return Short(bytes, at);
        }

        header = (tag >> TypeBits) switch
        {
            GenerationField => header with { Generation = (long)value },
            StepField => header with { Step = (long)value },
            SenderField => header with { Sender = (int)value },
            PhaseField => header with { Phase = (BulkPhase)(int)value },
            NodeFirstField => header with { NodeFirst = (int)value },
            NodeLengthField => header with { NodeLength = (int)value },
            OffsetField => header with { Offset = (long)value },
            PreparedGenerationField => header with { PreparedGeneration = (long)value },
            SegmentField => header with { Reference = header.Reference with { Segment = (int)value } },
            SegmentOffsetField => header with { Reference = header.Reference with { Offset = (long)value } },
            _ => header with { Reference = header.Reference with { Bytes = (int)value } },
        };
        return FieldsOutcome.Complete;
    }

    private static FieldsOutcome Skip(ReadOnlySpan<byte> bytes, ref int at, ulong tag, int depth)
    {
        if (tag >> TypeBits == 0 || tag > uint.MaxValue)
        {
            return FieldsOutcome.Malformed;
        }

        switch ((int)(tag & 7))
        {
            case VarintType:
                return TryReadVarint(bytes, ref at, out _) ? FieldsOutcome.Complete : Short(bytes, at);
            case Fixed64Type:
                at += sizeof(ulong);
                break;
            case Fixed32Type:
                at += sizeof(uint);
                break;
            case BytesType:
                if (!TryReadVarint(bytes, ref at, out var length))
                {
                    return Short(bytes, at);
                }

                if (length > int.MaxValue / 2)
                {
                    return FieldsOutcome.Malformed;
                }

                at += (int)length;
                break;
            case GroupType when depth < DeepestGroup:
                return SkipGroup(bytes, ref at, tag, depth);
            default:
                return FieldsOutcome.Malformed;
        }

        return at <= bytes.Length ? FieldsOutcome.Complete : FieldsOutcome.NeedMore;
    }

    private static FieldsOutcome SkipGroup(ReadOnlySpan<byte> bytes, ref int at, ulong opening, int depth)
    {
        while (TryReadVarint(bytes, ref at, out var tag))
        {
            if ((tag & 7) == EndGroupType)
            {
                return tag >> TypeBits == opening >> TypeBits ? FieldsOutcome.Complete : FieldsOutcome.Malformed;
            }

            var outcome = Skip(bytes, ref at, tag, depth + 1);
            if (outcome != FieldsOutcome.Complete)
            {
                return outcome;
            }
        }

        return Short(bytes, at);
    }

    // A number that could not be read is either cut off by the end of the bytes, or longer than ten bytes.
    private static FieldsOutcome Short(ReadOnlySpan<byte> bytes, int at) => at >= bytes.Length ? FieldsOutcome.NeedMore : FieldsOutcome.Malformed;

    /// <summary>On failure the position stands at the end of the bytes when they ended too early, else on the byte that is too many.</summary>
    private static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int at, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (at >= bytes.Length)
            {
                return false;
            }

            var octet = bytes[at++];
            value |= (ulong)(octet & 0x7f) << shift;
            if (octet < 0x80)
            {
                return true;
            }
        }

        at--;
        return false;
    }

    /// <summary>The numbers in the order of their fields.</summary>
    private static void List(in BulkHeader header, Span<ulong> numbers)
    {
        numbers[GenerationField - 1] = (ulong)header.Generation;
        numbers[StepField - 1] = (ulong)header.Step;
        numbers[SenderField - 1] = (ulong)header.Sender;
        numbers[PhaseField - 1] = (ulong)(int)header.Phase;
        numbers[NodeFirstField - 1] = (ulong)header.NodeFirst;
        numbers[NodeLengthField - 1] = (ulong)header.NodeLength;
        numbers[OffsetField - 1] = (ulong)header.Offset;
        numbers[PreparedGenerationField - 1] = (ulong)header.PreparedGeneration;
    }

    private static int NumberBytes(ulong value) => value == 0 ? 1 : (BitOperations.Log2(value) / 7) + 1;

    private static int WriteField(Span<byte> bytes, int field, ulong value)
    {
        bytes[0] = (byte)(field << TypeBits | VarintType);
        return 1 + WriteNumber(bytes[1..], value, 0);
    }

    private static int WriteNumber(Span<byte> bytes, ulong value, int moreBytes)
    {
        var last = NumberBytes(value) + moreBytes - 1;
        for (var at = 0; at < last; at++, value >>= 7)
        {
            bytes[at] = (byte)(value | 0x80);
        }

        bytes[last] = (byte)value;
        return last + 1;
    }
}
