using Google.Protobuf;
using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Messages;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>Traffic that breaks no rule, different for every seed.</summary>
internal static class Traffic
{
    /// <summary>The most that one payload has.</summary>
    public const int MostPayloadBytes = 300;

    /// <summary>A client's frames behind its preface and settings.</summary>
    /// <param name="calls">Streams with the odd numbers from 1.</param>
    public static List<byte[]> OfClient(Random random, int calls)
    {
        var frames = new List<byte[]>();
        for (var stream = 1; stream < 2 * calls; stream += 2)
        {
            AddHeaders(frames, stream, HpackEncoder.Encode(Fields(random)), random);
            byte[] messages = [.. Enumerable.Range(0, random.Next(4)).SelectMany(_ => Frames.Prefixed(Message(random)))];
            for (var at = 0; at < messages.Length;)
            {
                var bytes = Math.Min(messages.Length - at, random.Next(1, 200));
                frames.Add(Data(stream, messages.AsSpan(at, bytes), random));
                at += bytes;
                AddOthers(frames, stream, random);
            }

            switch (random.Next(4))
            {
                case 0:
                    frames.Add(Frames.Headers(stream, [new HeaderField("x-checksum", "none")], FrameFlags.EndHeaders | FrameFlags.EndStream));
                    break;
                case 1:
                    frames.Add(Frames.Reset(stream));
                    break;
                default:
                    frames.Add(Frames.Data(stream, [], FrameFlags.EndStream));
                    break;
            }
        }

        return frames;
    }

    /// <summary>A server's frames: its settings and the answer to the call on stream 1.</summary>
    public static List<byte[]> OfServer(Random random)
    {
        List<byte[]> frames = [Settings(random), Frames.Of(FrameType.Settings, FrameFlags.Ack, 0)];
        AddOthers(frames, 1, random);
        if (random.Next(4) == 0)
        {
            frames.Add(Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, Responses.Refusal(200, BulkStatus.Aborted, "gone")));
            return frames;
        }

        AddHeaders(frames, 1, Responses.Head, random);
        frames.Add(Data(1, SegmentCodec.WriteSummary(random.Next(1000)), random));
        AddOthers(frames, 1, random);
        frames.Add(Frames.Of(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, Responses.GoodTrailers));
        return frames;
    }

    public static byte[] Settings(Random random) => random.Next(3) switch
    {
        0 => Frames.Settings(),
        1 => Frames.Settings((4, (uint)random.Next(100_000)), (5, 16_384)),
        _ => Frames.Settings((1, 0), (3, 100), (6, 9000), (77, 1)),
    };

    /// <summary>A segment as protobuf's own writer, ours, or a writer with another order of fields has it.</summary>
    public static byte[] Message(Random random)
    {
        var segment = new Segment
        {
            Generation = random.Next(5),
            Step = random.NextInt64(),
            Sender = random.Next(-1, 5),
            Phase = (Phase)random.Next(3),
            NodeFirst = random.Next(9),
            NodeLength = random.Next(9),
            Offset = random.NextInt64(1 << 20),
            PreparedGeneration = random.Next(5),
        };
        var payload = new byte[random.Next(3) == 0 ? 0 : random.Next(MostPayloadBytes)];
        random.NextBytes(payload);
        var fields = segment.ToByteArray();
        var last = new Segment { Payload = ByteString.CopyFrom(payload) }.ToByteArray();
        // Field 20 as a group, as eight bytes and as text: unknown to both.
        byte[] unknown = random.Next(4) switch
        {
            0 => [0xa3, 0x01, 0x08, 0x05, 0xa4, 0x01],
            1 => [0xa1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8],
            2 => [0xa2, 0x01, 0x02, 0x61, 0x62],
            _ => [],
        };
        return random.Next(3) == 0 ? [.. last, .. fields, .. unknown] : [.. fields, .. unknown, .. last];
    }

    private static List<HeaderField> Fields(Random random)
    {
        var fields = Frames.CallFields;
        for (var more = random.Next(3); more > 0; more--)
        {
            fields.Add(new HeaderField($"x-{random.Next(10)}", new string('v', random.Next(60))));
        }

        return fields;
    }

    private static void AddHeaders(List<byte[]> frames, int stream, byte[] block, Random random)
    {
        var cut = random.Next(2) == 0 ? block.Length : random.Next(block.Length);
        frames.Add(Frames.Of(FrameType.Headers, cut == block.Length ? FrameFlags.EndHeaders : 0, stream, block[..cut]));
        if (cut < block.Length)
        {
            frames.Add(Frames.Of(FrameType.Continuation, FrameFlags.EndHeaders, stream, block[cut..]));
        }
    }

    private static byte[] Data(int stream, ReadOnlySpan<byte> bytes, Random random)
    {
        var padding = random.Next(4) == 0 ? random.Next(20) : -1;
        return padding < 0
            ? Frames.Data(stream, bytes.ToArray())
            : Frames.Of(FrameType.Data, FrameFlags.Padded, stream, [(byte)padding, .. bytes, .. new byte[padding]]);
    }

    private static void AddOthers(List<byte[]> frames, int stream, Random random)
    {
        switch (random.Next(12))
        {
            case 0:
                frames.Add(Frames.Ping());
                break;
            case 1:
                frames.Add(Frames.WindowUpdate(0, (uint)random.Next(1, 1000)));
                break;
            case 2:
                frames.Add(Frames.WindowUpdate(stream, (uint)random.Next(1, 1000)));
                break;
            case 3:
                frames.Add(Frames.Of(FrameType.Priority, 0, stream, 0, 0, 0, 7, 16));
                break;
            case 4:
                frames.Add(Frames.Of((FrameType)200, 0xff, stream, 1, 2, 3));
                break;
            case 5:
                frames.Add(Settings(random));
                break;
        }
    }
}
