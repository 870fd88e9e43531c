using System.Collections.Frozen;
using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>Part of a bucket that one member reduces, short enough to travel as one message.</summary>
/// <param name="Range">Its elements.</param>
/// <param name="Bucket">Index of the bucket that it was cut from.</param>
public readonly record struct Piece(ElementRange Range, int Bucket);

/// <summary>What every member of a generation knows beforehand of its all-reduce: who owns which slice, who sends which partials, in what pieces.</summary>
/// <remarks>
/// Direct reduce-scatter and all-gather. Before: member i holds the partials of the maximal tree nodes that its logical ranks cover, each of
/// ElementCount elements, in buckets that become final one after another. Every bucket is cut into one slice for each member. Each member sends, of each of
/// its partials, slice j to member j; the owner of a slice adds the partials of that slice in tree order (never in order of arrival) and sends the
/// sum to everybody, piece by piece. After: all members hold the same whole sum. A member sends (W - 1) / W of the
/// gradient for each of its partials, and its own slices W - 1 times.
/// </remarks>
public sealed record AllReducePlan
{
    /// <summary>128 Ki elements, 512 KiB of fp32: long enough that framing costs nothing, short enough that adding overlaps receiving.</summary>
    public const int DefaultPieceElements = 128 * 1024;

    private readonly ImmutableArray<FrozenDictionary<long, int>> _pieceAt;

    private readonly Ownership _first;
    private readonly Ownership _steady;

    private AllReducePlan(
        Generation generation, int self, ImmutableArray<Member> members, ReductionTree tree, long startStep, ImmutableArray<ElementRange> buckets, int pieceElements)
    {
        StartStep = startStep;
        (Generation, Self, Members, Tree, Buckets) = (generation, self, members, tree, buckets);
        Pieces = [.. Enumerable.Range(0, members.Length).Select(member => PiecesOf(member, members.Length, buckets, pieceElements))];
        if (Pieces.All(pieces => pieces.IsEmpty))
        {
            // Nothing to add up, but the members still have to agree on the generation behind the step.
            Pieces = Pieces.SetItem(0, [new Piece(new ElementRange(buckets[0].Offset, 0), 0)]);
        }

        _pieceAt = [.. Pieces.Select(pieces => pieces.Select((piece, i) => (piece, i)).ToFrozenDictionary(pair => pair.piece.Range.Offset, pair => pair.i))];
        _steady = Ownership.Create(tree, members.Select(Ownership.SteadyRanks));
        _first = members.All(member => member.FirstStepRanks.IsDefault) ? _steady : Ownership.Create(tree, members.Select(Ownership.FirstRanks));
    }

    public Generation Generation { get; }

    /// <summary>This member's index.</summary>
    public int Self { get; }

    public ImmutableArray<Member> Members { get; }

    public ReductionTree Tree { get; }

    /// <summary>Parts of the flat buffer in the order in which they become final; together they cover it once.</summary>
    public ImmutableArray<ElementRange> Buckets { get; }

    /// <summary>The pieces that each member reduces, bucket by bucket; a member may have none when there are few elements.</summary>
    public ImmutableArray<ImmutableArray<Piece>> Pieces { get; }

    public ImmutableArray<Piece> OwnPieces => Pieces[Self];

    /// <summary>Steps decided before the generation starts: its first step is the next.</summary>
    public long StartStep { get; }

    /// <summary>Pieces that the others reduce.</summary>
    public int GatheredPieces => Pieces.Where((_, i) => i != Self).Sum(pieces => pieces.Length);

    /// <param name="generation">The generation that starts.</param>
    /// <param name="self">Who this member is.</param>
    /// <param name="members">All members; together they own each logical rank once.</param>
    /// <param name="logicalRanks">V.</param>
    /// <param name="startStep">Steps decided before the generation starts.</param>
    /// <param name="buckets">At least one.</param>
    /// <param name="pieceElements">Most elements of one message.</param>
    /// <exception cref="ArgumentException">The worker is no member, or the ranks do not cover the tree.</exception>
    public static AllReducePlan Create(
        Generation generation, WorkerId self, ImmutableArray<Member> members, int logicalRanks, long startStep,
        ImmutableArray<ElementRange> buckets, int pieceElements = DefaultPieceElements)
    {
        var index = members.ToList().FindIndex(member => member.Worker == self);
        return index >= 0
            ? new AllReducePlan(generation, index, members, new ReductionTree(logicalRanks), startStep, buckets, pieceElements)
            : throw new ArgumentException($"Worker {self} is no member of {generation}: {string.Join(", ", members.Select(m => m.Worker))}.", nameof(self));
    }

    /// <summary>Who holds which partials in a step: after a failure the first step has a map of its own.</summary>
    public Ownership In(long step) => step <= StartStep + 1 ? _first : _steady;

    /// <summary>The logical ranks that this member computes in a step.</summary>
    public ImmutableArray<RankRange> OwnRanks(long step) =>
        step <= StartStep + 1 ? Ownership.FirstRanks(Members[Self]) : Ownership.SteadyRanks(Members[Self]);

    /// <summary>Which of a member's pieces starts at an offset; -1: none does.</summary>
    public int PieceAt(int member, long offset) => _pieceAt[member].GetValueOrDefault(offset, -1);

    private static ImmutableArray<Piece> PiecesOf(int member, int members, ImmutableArray<ElementRange> buckets, int pieceElements) =>
        [.. buckets.SelectMany((bucket, index) => SlicePlan.Pieces(SlicePlan.Even(bucket, members)[member], pieceElements).Select(range => new Piece(range, index)))];
}
