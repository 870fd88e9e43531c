using System.Collections.Immutable;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Protocol.Mapping;

/// <summary>Between ranges of logical ranks on the wire and the domain's.</summary>
internal static class RankRangeMapping
{
    public static IEnumerable<V1.RankRange> ToWire(ImmutableArray<RankRange> ranges) =>
        ranges.Select(range => new V1.RankRange { First = range.First, Count = range.Count });

    public static ImmutableArray<RankRange> ToDomain(IEnumerable<V1.RankRange> ranges) =>
        [.. ranges.Select(range => new RankRange(range.First, range.Count))];
}
