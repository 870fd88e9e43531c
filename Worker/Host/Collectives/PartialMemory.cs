using System.Runtime.InteropServices;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where received pieces of partials lie until they are added. A place is used again as soon as its piece is: the next payload lands in memory that the caches still hold.</summary>
/// <remarks>
/// Native memory at 64 bytes, made when a piece comes by a wire and no place is free; a partial that is read in a peer's shared memory needs none. Peers that send evenly need a few places;
/// the most are two for each piece of each partial, because a peer may be one step ahead. Packed partials stay packed until they are added. Called under the exchange's lock.
/// </remarks>
internal sealed unsafe class PartialMemory(AllReducePlan plan) : IDisposable
{
    private readonly nuint _placeBytes = (nuint)Math.Max(64, plan.Collected.Select(piece => piece.Range.Length).DefaultIfEmpty().Max() * sizeof(float));
    // Pieces of the present and the next step that have come, or are on their way in.
    private readonly Dictionary<(TreeNode Node, int Piece), PieceInput>[] _held = [[], []];
    private readonly Stack<nint> _free = new();
    private readonly List<nint> _places = [];
    private long _bytes;

    /// <summary>Bytes of all places.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Where a piece of a partial is to land.</summary>
    /// <param name="step">The present or the next.</param>
    /// <param name="node">The partial.</param>
    /// <param name="piece">Index of the collected piece.</param>
    /// <param name="isPacked">Whether it comes in two bytes an element.</param>
    /// <returns>Zero: it has a place already, so it was sent before.</returns>
    public nint Place(long step, TreeNode node, int piece, bool isPacked)
    {
        ref var input = ref CollectionsMarshal.GetValueRefOrAddDefault(_held[step & 1], (node, piece), out var isHeld);
        if (isHeld)
        {
            return 0;
        }

        if (!_free.TryPop(out var place))
        {
            _places.Add(place = (nint)NativeMemory.AlignedAlloc(_placeBytes, 64));
            Volatile.Write(ref _bytes, _bytes + (long)_placeBytes);
        }

        input = new PieceInput(place, isPacked);
        return place;
    }

    /// <summary>Where a piece has landed, to be added and then freed; nowhere when it has no elements.</summary>
    public PieceInput Take(long step, TreeNode node, int piece) => _held[step & 1].Remove((node, piece), out var input) ? input : default;

    /// <summary>The place of a piece that was taken is read no more.</summary>
    public void Free(nint place) => _free.Push(place);

    public void Dispose()
    {
        _places.ForEach(place => NativeMemory.AlignedFree((void*)place));
        _places.Clear();
        _free.Clear();
    }
}
