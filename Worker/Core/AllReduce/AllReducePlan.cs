using System.Collections.Frozen;
using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Core.AllReduce;

/// <summary>Part of a bucket that one member reduces, short enough to travel as one message.</summary>
/// <param name="Range">Its elements.</param>
/// <param name="Bucket">Index of the bucket that it was cut from.</param>
/// <param name="Route">Index of the way on which it is reduced.</param>
public readonly record struct Piece(ElementRange Range, int Bucket, int Route);

/// <summary>What every member of a generation knows beforehand of its all-reduce: who owns which slice, who sends which partials to whom, in what pieces.</summary>
/// <remarks>
/// Reduce-scatter and all-gather. Before: member i holds the partials of the maximal tree nodes that its logical ranks cover, each of
/// ElementCount elements, in buckets that become final one after another. Every bucket is cut into one slice for each route (<see cref="Grouping"/>), and each route has one root.
/// Up to 16 members the routes are direct: each member sends, of each of
/// its partials, slice j to member j; the owner of a slice adds the partials of that slice in tree order (never in order of arrival) and sends the
/// sum to everybody, piece by piece. Above that, the collectors of groups add up what their group holds, along the same tree, and send the nodes that come out to the
/// root; the sum goes back the same way. After: all members hold the same whole sum. A member sends (W - 1) / W of the
/// gradient for each of its partials, and its own slices W - 1 times.
/// </remarks>
public sealed record AllReducePlan
{
    /// <summary>128 Ki elements, 512 KiB of fp32: long enough that framing costs nothing, short enough that adding overlaps receiving.</summary>
    public const int DefaultPieceElements = 128 * 1024;

    private readonly FrozenDictionary<long, Piece> _pieceAt;
    private readonly FrozenDictionary<long, int> _collectedAt;
    private readonly Ownership _first;
    private readonly Ownership _steady;
    private readonly Collection?[] _firstCollections;
    private readonly Collection?[] _steadyCollections;

    private AllReducePlan(
        Generation generation, int self, ImmutableArray<Member> members, ReductionTree tree, long startStep, ImmutableArray<ElementRange> buckets, int pieceElements,
        int mostDirect)
    {
        StartStep = startStep;
        (Generation, Self, Members, Tree, Buckets) = (generation, self, members, tree, buckets);
        Routes = Grouping.Of(members.Length, mostDirect).Routes();
        var all = buckets.SelectMany((bucket, index) => SlicePlan.Even(bucket, Routes.Length)
            .SelectMany((slice, route) => SlicePlan.Pieces(slice, pieceElements).Select(range => new Piece(range, index, route)))).ToList();
        if (all.Count == 0)
        {
            // Nothing to add up, but the members still have to agree on the generation behind the step.
            all.Add(new Piece(new ElementRange(buckets[0].Offset, 0), 0, 0));
        }

        var byRoot = all.ToLookup(piece => Routes[piece.Route].Root);
        Pieces = [.. Enumerable.Range(0, members.Length).Select(member => byRoot[member].ToImmutableArray())];
        var children = Routes.Select(route => route.ChildrenOf(self)).ToArray();
        Collected = [.. all.Where(piece => Routes[piece.Route].Root == self || !children[piece.Route].IsEmpty)];
        _pieceAt = all.ToFrozenDictionary(piece => piece.Range.Offset);
        _collectedAt = Collected.Select((piece, i) => (piece.Range.Offset, i)).ToFrozenDictionary(pair => pair.Offset, pair => pair.i);
        _steady = Ownership.Create(tree, members.Select(Ownership.SteadyRanks));
        _first = members.All(member => member.FirstStepRanks.IsDefault) ? _steady : Ownership.Create(tree, members.Select(Ownership.FirstRanks));
        _steadyCollections = Collections(_steady);
        _firstCollections = ReferenceEquals(_first, _steady) ? _steadyCollections : Collections(_first);
    }

    public Generation Generation { get; }

    /// <summary>This member's index.</summary>
    public int Self { get; }

    public ImmutableArray<Member> Members { get; }

    public ReductionTree Tree { get; }

    /// <summary>Parts of the flat buffer in the order in which they become final; together they cover it once.</summary>
    public ImmutableArray<ElementRange> Buckets { get; }

    /// <summary>The ways on which pieces are reduced; up to 16 members, way i is rooted at member i.</summary>
    public ImmutableArray<Route> Routes { get; }

    /// <summary>The pieces that each member reduces for all, bucket by bucket; a member may have none when there are few elements.</summary>
    public ImmutableArray<ImmutableArray<Piece>> Pieces { get; }

    public ImmutableArray<Piece> OwnPieces => Pieces[Self];

    /// <summary>The pieces on which this member adds up what others send it: its own, and those that it collects for its group.</summary>
    public ImmutableArray<Piece> Collected { get; }

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
    /// <param name="mostDirect">Up to so many members everybody sends to everybody.</param>
    /// <exception cref="ArgumentException">The worker is no member, or the ranks do not cover the tree.</exception>
    public static AllReducePlan Create(
        Generation generation, WorkerId self, ImmutableArray<Member> members, int logicalRanks, long startStep,
        ImmutableArray<ElementRange> buckets, int pieceElements = DefaultPieceElements, int mostDirect = Grouping.MostDirect)
    {
        var index = members.ToList().FindIndex(member => member.Worker == self);
        return index >= 0
            ? new AllReducePlan(generation, index, members, new ReductionTree(logicalRanks), startStep, buckets, pieceElements, mostDirect)
            : throw new ArgumentException($"Worker {self} is no member of {generation}: {string.Join(", ", members.Select(m => m.Worker))}.", nameof(self));
    }

    /// <summary>Who holds which partials in a step: after a failure the first step has a map of its own.</summary>
    public Ownership In(long step) => step <= StartStep + 1 ? _first : _steady;

    /// <summary>What this member adds up on one of its <see cref="Collected"/> pieces in a step.</summary>
    /// <param name="step">The step.</param>
    /// <param name="collected">Index of the piece.</param>
    public Collection CollectionOf(long step, int collected) =>
        (step <= StartStep + 1 ? _firstCollections : _steadyCollections)[Collected[collected].Route]!;

    /// <summary>The logical ranks that this member computes in a step.</summary>
    public ImmutableArray<RankRange> OwnRanks(long step) =>
        step <= StartStep + 1 ? Ownership.FirstRanks(Members[Self]) : Ownership.SteadyRanks(Members[Self]);

    /// <summary>The piece that starts at an offset; null: none does.</summary>
    public Piece? PieceAt(long offset) => _pieceAt.TryGetValue(offset, out var piece) ? piece : null;

    /// <summary>Which of the <see cref="Collected"/> pieces starts at an offset; -1: none does.</summary>
    public int CollectedAt(long offset) => _collectedAt.GetValueOrDefault(offset, -1);

    private Collection?[] Collections(Ownership ownership)
    {
        var collections = new Collection?[Routes.Length];
        foreach (var route in Collected.Select(piece => piece.Route).Distinct())
        {
            collections[route] = Collection.Create(Tree, ownership, Routes[route], Self);
        }

        return collections;
    }
}
