using System.Collections.Immutable;
using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Protocol.Mapping;

/// <summary>A list of members in few bytes, and back: for the first list on a stream, which has none before it that it could differ from.</summary>
/// <remarks>
/// When a run forms, each of n members gets all n of them, so the bytes grow with the square of n, whatever is done; here the factor is made small. Ranks are left out where they follow from the
/// number of members. Ids and addresses are written as what differs from the one before, with equal beginnings and ends as lengths only, and that is compressed (Brotli, RFC 7932). Ten thousand
/// hosts with rising addresses take less than a kilobyte instead of 332, with addresses in any order some ten times less than plain.
/// </remarks>
public static class MemberListMapping
{
    /// <summary>More than a coordinator takes (ClusterState.MaxWorkers), and few enough for any receiver.</summary>
    private const int MaxMembers = 65_536;

    /// <summary>Of a list unpacked: 512 bytes for each of the most members.</summary>
    private const int MaxNamesBytes = MaxMembers * 512;

    /// <summary>A length in the first two columns takes one byte.</summary>
    private const int MaxShared = 255;

    /// <summary>Of 11: about the best for text of this kind, at a few milliseconds for ten thousand members; a list is packed once for all streams.</summary>
    private const int Quality = 6;

    /// <summary>The usual one of RFC 7932.</summary>
    private const int WindowBits = 22;

    /// <returns>Null when it cannot be packed, or would not be shorter.</returns>
    public static V1.MemberList? ToList(ImmutableArray<Member> members)
    {
        var logicalRanks = members.Sum(member => member.RankCount);
        if (members.Length is 0 or > MaxMembers || logicalRanks < 1 || members.Any(member => !member.FirstStepRanks.IsDefault))
        {
            return null;
        }

        var counts = members.Select(member => member.RankCount).ToImmutableArray();
        var ranges = members.Select(member => new RankRange(member.FirstRank, member.RankCount)).ToList();
        var isEven = RankPlan.Even(logicalRanks, members.Length).SequenceEqual(ranges);
        if (!isEven && !RankPlan.Of(counts).SequenceEqual(ranges))
        {
            return null;
        }

        var names = new NameColumns();
        Add(names, members.Select(member => member.Worker.Value));
        Add(names, members.Select(member => member.CollectiveAddress));
        if (names.ToArray() is not { Length: <= MaxNamesBytes } plain || Compress(plain) is not { } packed)
        {
            return null;
        }

        var list = new V1.MemberList { Count = members.Length, LogicalRanks = logicalRanks, NamesBytes = plain.Length, Names = packed };
        list.RankCounts.Add(isEven ? [] : counts);
        return list;
    }

    /// <exception cref="InvalidOperationException">It is no list.</exception>
    public static ImmutableArray<Member> ToMembers(V1.MemberList list)
    {
        if (list.Count is < 1 or > MaxMembers || list.NamesBytes is < 1 or > MaxNamesBytes || (list.RankCounts.Count > 0 && list.RankCounts.Count != list.Count))
        {
            throw new InvalidOperationException(
                $"The coordinator sent a list of {list.Count} members in {list.NamesBytes} bytes with the ranks of {list.RankCounts.Count}; at most {MaxMembers} in {MaxNamesBytes} bytes are taken, with the ranks of all or of none.");
        }

        var plain = new byte[list.NamesBytes];
        if (!BrotliDecoder.TryDecompress(list.Names.Span, plain, out var written) || written != plain.Length)
        {
            throw new InvalidOperationException($"The coordinator sent a list of {list.Count} members whose {list.Names.Length} bytes do not unpack to {plain.Length}.");
        }

        var names = NameColumns.Read(plain, 2 * list.Count);
        var ranges = list.RankCounts.Count > 0 ? RankPlan.Of([.. list.RankCounts]) : RankPlan.Even(Math.Max(1, list.LogicalRanks), list.Count);
        return [.. ranges.Select((range, i) => new Member(new WorkerId(names[i]), names[list.Count + i], range.First, range.Count))];
    }

    private static void Add(NameColumns names, IEnumerable<string> each)
    {
        foreach (var name in each)
        {
            names.Add(name);
        }
    }

    private static ByteString? Compress(byte[] plain)
    {
        var packed = new byte[BrotliEncoder.GetMaxCompressedLength(plain.Length)];
        return BrotliEncoder.TryCompress(plain, packed, out var length, Quality, WindowBits) ? ByteString.CopyFrom(packed, 0, length) : null;
    }

    /// <summary>Names in three columns: how many bytes each shares with the beginning of the one before, how many with its end, and what stands between them behind its length.</summary>
    private sealed class NameColumns
    {
        private readonly List<byte> _starts = [];
        private readonly List<byte> _ends = [];
        private readonly List<byte> _middles = [];
        private byte[] _former = [];

        public void Add(string name)
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            var start = Math.Min(MaxShared, bytes.AsSpan().CommonPrefixLength(_former));
            var (end, most) = (0, Math.Min(MaxShared, Math.Min(bytes.Length, _former.Length) - start));
            while (end < most && bytes[^(end + 1)] == _former[^(end + 1)])
            {
                end++;
            }

            _starts.Add((byte)start);
            _ends.Add((byte)end);
            var middle = bytes.AsSpan(start, bytes.Length - start - end);
            for (var length = (uint)middle.Length; ; length >>= 7)
            {
                _middles.Add((byte)(length > 127 ? length | 128 : length));
                if (length <= 127)
                {
                    break;
                }
            }

            _middles.AddRange(middle);
            _former = bytes;
        }

        public byte[] ToArray() => [.. _starts, .. _ends, .. _middles];

        /// <exception cref="InvalidOperationException">They are none.</exception>
        public static string[] Read(ReadOnlySpan<byte> columns, int count)
        {
            if (columns.Length < 2 * count)
            {
                throw Broken(0);
            }

            var starts = columns[..count];
            var ends = columns[count..(2 * count)];
            var middles = columns[(2 * count)..];
            var (names, former) = (new string[count], Array.Empty<byte>());
            for (var i = 0; i < count; i++)
            {
                var length = ReadLength(ref middles, i);
                if (starts[i] + ends[i] > former.Length || length > middles.Length)
                {
                    throw Broken(i);
                }

                former = [.. former.AsSpan(0, starts[i]), .. middles[..length], .. former.AsSpan(former.Length - ends[i])];
                middles = middles[length..];
                names[i] = Encoding.UTF8.GetString(former);
            }

            return middles.IsEmpty ? names : throw Broken(count);
        }

        private static int ReadLength(ref ReadOnlySpan<byte> bytes, int place)
        {
            var length = 0;
            for (var shift = 0; shift < 28; shift += 7)
            {
                if (bytes.IsEmpty)
                {
                    throw Broken(place);
                }

                var next = bytes[0];
                bytes = bytes[1..];
                length |= (next & 127) << shift;
                if (next < 128)
                {
                    return length;
                }
            }

            throw Broken(place);
        }

        private static InvalidOperationException Broken(int place) => new($"The coordinator sent a list of members that cannot be read at name {place}.");
    }
}
