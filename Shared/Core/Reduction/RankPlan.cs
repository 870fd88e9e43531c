using System.Collections.Immutable;

namespace Orchestrator.Core.Reduction;

/// <summary>Logical ranks that one member owns: Count of them from First on.</summary>
public readonly record struct RankRange(int First, int Count)
{
    public int End => First + Count;
}

/// <summary>Deals V logical ranks out to W members as contiguous ranges whose sizes differ by at most one.</summary>
public static class RankPlan
{
    /// <returns>One range for each member, in order; members beyond V get an empty range and stand by.</returns>
    public static ImmutableArray<RankRange> Even(int logicalRanks, int members)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(logicalRanks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(members, 1);
        var active = Math.Min(logicalRanks, members);
        var ranges = ImmutableArray.CreateBuilder<RankRange>(members);
        for (var i = 0; i < members; i++)
        {
            var first = (int)((long)Math.Min(i, active) * logicalRanks / active);
            var end = (int)((long)Math.Min(i + 1, active) * logicalRanks / active);
            ranges.Add(new RankRange(first, end - first));
        }

        return ranges.MoveToImmutable();
    }

    /// <returns>One range for each member, in order, of the given lengths.</returns>
    public static ImmutableArray<RankRange> Of(ImmutableArray<int> counts)
    {
        var ranges = ImmutableArray.CreateBuilder<RankRange>(counts.Length);
        var first = 0;
        foreach (var count in counts)
        {
            ranges.Add(new RankRange(first, count));
            first += count;
        }

        return ranges.MoveToImmutable();
    }
}
