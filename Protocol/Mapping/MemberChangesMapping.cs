using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Protocol.Mapping;

/// <summary>A list of members as what differs from the one before it, and back.</summary>
public static class MemberChangesMapping
{
    /// <param name="former">The list that came before.</param>
    /// <param name="next">This one.</param>
    /// <param name="behind">Indices of the members that hold nothing of the first step, because they are a step behind.</param>
    /// <returns>Null when it does not come of the former one in this way: then the whole list is to be sent.</returns>
    public static V1.MemberChanges? ToChanges(ImmutableArray<Member> former, ImmutableArray<Member> next, ImmutableArray<int> behind)
    {
        var logicalRanks = next.Sum(member => member.RankCount);
        if (logicalRanks < 1)
        {
            return null;
        }

        var changes = new V1.MemberChanges { LogicalRanks = logicalRanks };
        AddMembers(changes, former, next);
        if (!RankPlan.Even(logicalRanks, next.Length).SequenceEqual(next.Select(member => new RankRange(member.FirstRank, member.RankCount))))
        {
            changes.RankCounts.Add(next.Select(member => member.RankCount));
        }

        V1.FirstStepBase[] bases = next.All(member => member.FirstStepRanks.IsDefault) ? [V1.FirstStepBase.Unspecified] : [V1.FirstStepBase.FormerRanks, V1.FirstStepBase.FormerFirstStep];
        foreach (var firstStep in bases)
        {
            changes.FirstStep = firstStep;
            if (AreSame(Apply(former, changes, behind), next))
            {
                return changes;
            }
        }

        return null;
    }

    /// <param name="former">The list that came before.</param>
    /// <param name="changes">What differs.</param>
    /// <param name="behind">As in <see cref="ToChanges"/>.</param>
    /// <exception cref="InvalidOperationException">They are not of that list.</exception>
    public static ImmutableArray<Member> Apply(ImmutableArray<Member> former, V1.MemberChanges changes, ImmutableArray<int> behind)
    {
        var kept = Kept(former, changes);
        var ranges = changes.RankCounts.Count > 0 ? RankPlan.Of([.. changes.RankCounts]) : RankPlan.Even(Math.Max(1, changes.LogicalRanks), Math.Max(1, kept.Count));
        if (ranges.Length != kept.Count)
        {
            throw new InvalidOperationException($"The coordinator changed a list of {former.Length} members to one of {kept.Count} and named the ranks of {ranges.Length}.");
        }

        var members = kept.Select((each, i) => new Member(each.Worker, each.CollectiveAddress, ranges[i].First, ranges[i].Count)).ToImmutableArray();
        if (changes.FirstStep == V1.FirstStepBase.Unspecified)
        {
            return members;
        }

        var held = kept.Select(each => Held(each, changes.FirstStep)).ToArray();
        foreach (var place in behind)
        {
            held[place >= 0 && place < held.Length ? place : throw new InvalidOperationException($"The coordinator says that member {place} of {held.Length} is behind.")] = [];
        }

        var owned = RankDeal.Create(changes.LogicalRanks, held).Owned;
        return [.. members.Select((member, i) => member with { FirstStepRanks = owned[i] })];
    }

    private static void AddMembers(V1.MemberChanges changes, ImmutableArray<Member> former, ImmutableArray<Member> next)
    {
        var places = new Dictionary<WorkerId, int>(former.Length);
        for (var place = 0; place < former.Length; place++)
        {
            places[former[place].Worker] = place;
        }

        var isKept = new bool[former.Length];
        var last = -1;
        for (var i = 0; i < next.Length; i++)
        {
            if (places.TryGetValue(next[i].Worker, out var place) && place > last && former[place].CollectiveAddress == next[i].CollectiveAddress)
            {
                (last, isKept[place]) = (place, true);
            }
            else
            {
                changes.Came.Add(new V1.Member { WorkerId = next[i].Worker.Value, CollectiveAddress = next[i].CollectiveAddress });
                changes.CameAt.Add(i);
            }
        }

        changes.Gone.Add(Enumerable.Range(0, former.Length).Where(place => !isKept[place]));
    }

    /// <summary>The members of the new list with the ranks that they had in the former one; those who are new have none.</summary>
    private static List<Member> Kept(ImmutableArray<Member> former, V1.MemberChanges changes)
    {
        var gone = changes.Gone.ToHashSet();
        var kept = former.Where((_, place) => !gone.Contains(place)).ToList();
        for (var i = 0; i < changes.CameAt.Count; i++)
        {
            if (changes.CameAt[i] < 0 || changes.CameAt[i] > kept.Count || i >= changes.Came.Count)
            {
                throw new InvalidOperationException($"The coordinator put a member at place {changes.CameAt[i]} of a list of {kept.Count}.");
            }

            var came = changes.Came[i];
            kept.Insert(changes.CameAt[i], new Member(new WorkerId(came.WorkerId), came.CollectiveAddress, 0, 0) { FirstStepRanks = [] });
        }

        return kept;
    }

    private static ImmutableArray<RankRange> Held(Member former, V1.FirstStepBase firstStep) =>
        firstStep == V1.FirstStepBase.FormerFirstStep && !former.FirstStepRanks.IsDefault ? former.FirstStepRanks
        : former.RankCount == 0 ? [] : [new RankRange(former.FirstRank, former.RankCount)];

    private static bool AreSame(ImmutableArray<Member> one, ImmutableArray<Member> other) => one.Length == other.Length && one.Zip(other).All(pair => AreSame(pair.First, pair.Second));

    private static bool AreSame(Member one, Member other) =>
        (one.Worker, one.CollectiveAddress, one.FirstRank, one.RankCount, one.FirstStepRanks.IsDefault)
        == (other.Worker, other.CollectiveAddress, other.FirstRank, other.RankCount, other.FirstStepRanks.IsDefault)
        && (one.FirstStepRanks.IsDefault || one.FirstStepRanks.AsSpan().SequenceEqual(other.FirstStepRanks.AsSpan()));
}
