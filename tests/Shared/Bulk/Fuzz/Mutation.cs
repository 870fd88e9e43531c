using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Tests.Fuzz;

/// <summary>Spoils bytes that were in order: a few random changes, of the kinds that parsers have tripped over.</summary>
internal static class Mutation
{
    private const int MostChanges = 4;

    // Ends of ranges, of a byte and of the prefixes of HPACK and protobuf.
    private static readonly byte[] Edges = [0x00, 0x01, 0x0f, 0x1f, 0x20, 0x3f, 0x40, 0x7f, 0x80, 0xbe, 0xfe, 0xff];

    /// <summary>Changes frames as frames: their number, order, lengths, types, flags and streams.</summary>
    public static byte[] OfFrames(List<byte[]> frames, Random random)
    {
        for (var changes = random.Next(MostChanges); changes > 0 && frames.Count > 0; changes--)
        {
            var at = random.Next(frames.Count);
            var frame = frames[at];
            switch (random.Next(7))
            {
                case 0:
                    frames.RemoveAt(at);
                    break;
                case 1:
                    frames.Insert(random.Next(frames.Count), frame);
                    break;
                case 2:
                    var other = random.Next(frames.Count);
                    (frames[at], frames[other]) = (frames[other], frame);
                    break;
                default:
                    frames[at] = [.. frame];
                    // A byte of the nine that every frame begins with.
                    frames[at][random.Next(Math.Min(FrameHeader.Bytes, frame.Length))] = Edge(random);
                    break;
            }
        }

        return [.. frames.SelectMany(frame => frame)];
    }

    /// <summary>Changes bytes wherever they stand.</summary>
    public static byte[] OfBytes(byte[] bytes, Random random)
    {
        var result = new List<byte>(bytes);
        for (var changes = random.Next(MostChanges + 1); changes > 0 && result.Count > 0; changes--)
        {
            var at = random.Next(result.Count);
            var some = Math.Min(random.Next(1, 24), result.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    result[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    result[at] = Edge(random);
                    break;
                case 2:
                    result.RemoveRange(at, some);
                    break;
                case 3:
                    result.InsertRange(at, result.GetRange(random.Next(result.Count - some + 1), some));
                    break;
                case 4:
                    result.InsertRange(at, Enumerable.Range(0, some).Select(_ => Edge(random)));
                    break;
                default:
                    result.RemoveRange(at, random.Next(8) == 0 ? result.Count - at : 1);
                    break;
            }
        }

        return [.. result];
    }

    private static byte Edge(Random random) => random.Next(3) == 0 ? (byte)random.Next(256) : Edges[random.Next(Edges.Length)];
}
