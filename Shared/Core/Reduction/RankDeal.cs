using System.Collections.Immutable;

namespace Orchestrator.Core.Reduction;

/// <summary>Who computes what in a step of which some ranks are held already: each rank stays with the member that holds it, and those that nobody holds are dealt out evenly.</summary>
/// <param name="Owned">The ranks of each member as few ranges, rising.</param>
/// <param name="Unheld">Those that nobody held, rising.</param>
public sealed record RankDeal(ImmutableArray<ImmutableArray<RankRange>> Owned, ImmutableArray<int> Unheld)
{
    /// <param name="logicalRanks">V.</param>
    /// <param name="held">What each member holds. The first of several counts; what is no rank is passed over.</param>
    public static RankDeal Create(int logicalRanks, IReadOnlyList<ImmutableArray<RankRange>> held)
    {
        var owners = new int[logicalRanks];
        Array.Fill(owners, -1);
        for (var member = 0; member < held.Count; member++)
        {
            foreach (var rank in held[member].SelectMany(range => Enumerable.Range(range.First, range.Count)).Where(rank => rank >= 0 && rank < logicalRanks && owners[rank] < 0))
            {
                owners[rank] = member;
            }
        }

        ImmutableArray<int> unheld = [.. Enumerable.Range(0, logicalRanks).Where(rank => owners[rank] < 0)];
        var shares = RankPlan.Even(Math.Max(1, unheld.Length), held.Count);
        for (var member = 0; member < held.Count; member++)
        {
            foreach (var rank in unheld.AsSpan(Math.Min(shares[member].First, unheld.Length), Math.Min(shares[member].Count, unheld.Length)))
            {
                owners[rank] = member;
            }
        }

        return new RankDeal(RangesOf(owners, held.Count), unheld);
    }

    private static ImmutableArray<ImmutableArray<RankRange>> RangesOf(int[] owners, int members)
    {
        var ranges = new List<RankRange>[members];
        for (var rank = 0; rank < owners.Length; rank++)
        {
            var known = ranges[owners[rank]] ??= [];
            if (known.Count > 0 && known[^1].End == rank)
            {
                known[^1] = known[^1] with { Count = known[^1].Count + 1 };
            }
            else
            {
                known.Add(new RankRange(rank, 1));
            }
        }

        return [.. ranges.Select(each => each is null ? [] : each.ToImmutableArray())];
    }
}
