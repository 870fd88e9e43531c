using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>What every member of a generation knows beforehand of its all-reduce: who owns which slice, who sends which partials, in what pieces.</summary>
/// <remarks>
/// Direct reduce-scatter and all-gather. Before: member i holds the partials of the maximal tree nodes that its logical ranks cover, each of
/// ElementCount elements. Each member sends, of each of its partials, slice j to member j; the owner of a slice adds the partials of that slice in
/// tree order (never in order of arrival) and sends the sum to everybody. After: all members hold the same whole sum.
/// A member sends (W - 1) / W of the gradient for each of its partials, and its own slice W - 1 times.
/// </remarks>
public sealed record AllReducePlan
{
    /// <summary>256 Ki elements, 1 MiB of fp32: long enough that framing costs nothing, short enough that adding overlaps receiving.</summary>
    public const int DefaultPieceElements = 256 * 1024;

    private AllReducePlan(
        Generation generation, int self, ImmutableArray<Member> members, ReductionTree tree, long elementCount, int pieceElements)
    {
        (Generation, Self, Members, Tree, ElementCount) = (generation, self, members, tree, elementCount);
        Slices = SlicePlan.Even(elementCount, members.Length);
        Pieces = [.. Slices.Select(slice => SlicePlan.Pieces(slice, pieceElements))];
        Nodes = [.. members.Select(member => tree.MaximalNodes(member.FirstRank, member.RankCount))];
        Merge = MergePlan.Create(tree, [.. Nodes.SelectMany(nodes => nodes)]);
    }

    public Generation Generation { get; }

    /// <summary>This member's index.</summary>
    public int Self { get; }

    public ImmutableArray<Member> Members { get; }

    public ReductionTree Tree { get; }

    public long ElementCount { get; }

    /// <summary>Slice i belongs to member i.</summary>
    public ImmutableArray<ElementRange> Slices { get; }

    /// <summary>The pieces of each slice, in order.</summary>
    public ImmutableArray<ImmutableArray<ElementRange>> Pieces { get; }

    /// <summary>The partials that each member holds, from left to right.</summary>
    public ImmutableArray<ImmutableArray<TreeNode>> Nodes { get; }

    /// <summary>The additions that a slice owner carries out on each piece.</summary>
    public MergePlan Merge { get; }

    public ElementRange OwnSlice => Slices[Self];

    /// <summary>Segments that this member waits for on each piece of its slice: one for each partial of the others (one empty one from a member that stands by).</summary>
    public int RemoteSegmentsPerPiece => Enumerable.Range(0, Members.Length).Where(i => i != Self).Sum(SegmentsPerPieceFrom);

    /// <summary>Pieces of the others' slices.</summary>
    public int GatheredPieces => Pieces.Where((_, i) => i != Self).Sum(pieces => pieces.Length);

    /// <param name="generation">The generation that starts.</param>
    /// <param name="self">Who this member is.</param>
    /// <param name="members">All members; their ranges of logical ranks run on from member to member.</param>
    /// <param name="logicalRanks">V.</param>
    /// <param name="elementCount">Elements of the flat buffer.</param>
    /// <param name="pieceElements">Most elements of one message.</param>
    /// <exception cref="ArgumentException">The worker is no member, or the ranks do not cover the tree.</exception>
    public static AllReducePlan Create(
        Generation generation, WorkerId self, ImmutableArray<Member> members, int logicalRanks, long elementCount,
        int pieceElements = DefaultPieceElements)
    {
        var index = members.ToList().FindIndex(member => member.Worker == self);
        return index >= 0
            ? new AllReducePlan(generation, index, members, new ReductionTree(logicalRanks), elementCount, pieceElements)
            : throw new ArgumentException($"Worker {self} is no member of {generation}: {string.Join(", ", members.Select(m => m.Worker))}.", nameof(self));
    }

    /// <summary>Segments that a member sends for each piece of another's slice. One that stands by sends an empty one: its prepared generation counts.</summary>
    public int SegmentsPerPieceFrom(int member) => Math.Max(1, Nodes[member].Length);

    /// <summary>The piece of the own slice that starts at an offset; -1: none does.</summary>
    public int OwnPieceAt(long offset) => PieceAt(Self, offset);

    public int PieceAt(int member, long offset)
    {
        var pieces = Pieces[member];
        for (var i = 0; i < pieces.Length; i++)
        {
            if (pieces[i].Offset == offset)
            {
                return i;
            }
        }

        return -1;
    }
}
