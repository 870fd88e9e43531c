using System.Collections.Immutable;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>How members are put together: one group that holds all, or about as many groups as each has members.</summary>
/// <remarks>
/// With W members in one group everybody sends to everybody, in two hops: a slice's owner has W - 1 senders at once. Above <see cref="MostDirect"/> those are
/// too many. With groups of about sqrt(W) a member exchanges gradients with its group and with one member of each other group (what was fed to the ranks is still told to
/// everybody, so a connection to each member stands). Counted for each way, for a gradient with one piece for each slice; a test counts the first two rows:
/// <code>
/// W = V = 64       peers of gradients   messages sent   elements sent   hops
/// one group                    63            63             63/64         1
/// 8 groups of 8                14            63             63/64         2
/// recursive halving             6             6             63/64         6
/// </code>
/// The elements are the same; halving has the fewest messages and three times the hops of groups, each of which waits for the slowest of its pair. A slice of a gradient that is worth
/// 64 workers is longer than the longest message, so fewer messages gain nothing there, and hops cost.
/// Neighbours form a group, so that what a group adds up are nodes of the reduction tree: with a power of two of members and of ranks, one node.
/// </remarks>
public sealed record Grouping
{
    /// <summary>Up to so many members everybody talks to everybody.</summary>
    public const int MostDirect = 16;

    private readonly ImmutableArray<int> _firsts;

    private Grouping(ImmutableArray<int> firsts) => _firsts = firsts;

    public int Groups => _firsts.Length - 1;

    /// <summary>Members of the largest group.</summary>
    public int Largest => Enumerable.Range(0, Groups).Max(SizeOf);

    /// <param name="members">At least 1.</param>
    /// <param name="mostDirect">Up to so many members make one group.</param>
    public static Grouping Of(int members, int mostDirect)
    {
        if (members <= mostDirect)
        {
            return new Grouping([0, members]);
        }

        // The least power of two whose square holds all: whole nodes of the tree where they can be had. Groups differ by at most one member.
        var size = 1;
        while (size * size < members)
        {
            size *= 2;
        }

        var groups = (members + size - 1) / size;
        return new Grouping([.. Enumerable.Range(0, groups + 1).Select(group => (int)((long)group * members / groups))]);
    }

    public int FirstOf(int group) => _firsts[group];

    public int SizeOf(int group) => _firsts[group + 1] - _firsts[group];

    public int GroupOf(int member)
    {
        var found = _firsts.BinarySearch(member);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>The members of a group, in order.</summary>
    public IEnumerable<int> MembersOf(int group) => Enumerable.Range(_firsts[group], SizeOf(group));

    /// <summary>The ways on which a bucket's slices are reduced: each slice is one way's, and the ways share the work evenly.</summary>
    public ImmutableArray<Route> Routes()
    {
        // Groups of one size: as many places as members. Else four times as many, so that a smaller group's members are at most a quarter busier than others.
        var places = Enumerable.Range(0, Groups).All(group => SizeOf(group) == Largest) ? Largest : 4 * Largest;
        return
        [
            .. Enumerable.Range(0, places)
                .Select(place => Enumerable.Range(0, Groups).Select(each => FirstOf(each) + (place * SizeOf(each) / places)).ToImmutableArray())
                .SelectMany(collectors => Enumerable.Range(0, Groups).Select(root => new Route(this, collectors, root))),
        ];
    }
}

/// <summary>How one slice is reduced: members send to their group's collector, collectors to the root; the sum comes back the same way.</summary>
/// <param name="Grouping">Of the members.</param>
/// <param name="Collectors">For each group: the member that collects.</param>
/// <param name="RootGroup">The group whose collector reduces the slice for all.</param>
public sealed record Route(Grouping Grouping, ImmutableArray<int> Collectors, int RootGroup)
{
    public int Root => Collectors[RootGroup];

    /// <summary>Whom a member sends its partials to and gets the sum from; -1: it is the root.</summary>
    public int ParentOf(int member) => CollectorOf(member) is var collector && collector != member ? collector : member == Root ? -1 : Root;

    /// <summary>Whose partials a member gets, beginning with those behind it.</summary>
    public ImmutableArray<int> ChildrenOf(int member)
    {
        if (CollectorOf(member) != member)
        {
            return [];
        }

        var group = Grouping.MembersOf(Grouping.GroupOf(member)).Where(other => other != member);
        var children = member == Root ? group.Concat(Collectors.Where(other => other != member)) : group;
        return [.. children.OrderBy(child => child > member ? 0 : 1).ThenBy(child => child)];
    }

    private int CollectorOf(int member) => Collectors[Grouping.GroupOf(member)];
}
