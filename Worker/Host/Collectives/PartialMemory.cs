using System.Runtime.InteropServices;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where received partials of the pieces that this member adds up lie until their step is reduced: two sets, because a peer may be one step ahead.</summary>
/// <remarks>
/// Native memory at 64 bytes, made when a partial first comes by a wire; a partial that is read in a peer's shared memory needs none. An own
/// slice is scattered over the flat buffer, so each of its pieces has a place of its own here. Packed partials stay packed until they are added.
/// </remarks>
internal sealed unsafe class PartialMemory : IDisposable
{
    private readonly long _elements;
    private readonly long[] _offsets;
    private readonly Dictionary<TreeNode, Received>[] _sets = [[], []];
    private long _bytes;

    public PartialMemory(AllReducePlan plan)
    {
        _offsets = CollectedMemory.Offsets(plan, out _elements);
    }

    /// <summary>Bytes of all that was made.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Where a partial's piece is to land. Called under the exchange's lock.</summary>
    /// <param name="step">The present or the next.</param>
    /// <param name="node">The partial.</param>
    /// <param name="piece">Index of the collected piece.</param>
    /// <param name="isPacked">Whether it comes in two bytes an element.</param>
    public nint Place(long step, TreeNode node, int piece, bool isPacked)
    {
        if (!_sets[step & 1].TryGetValue(node, out var received))
        {
            _sets[step & 1][node] = received = new Received(new bool[_offsets.Length]);
        }

        received.IsPacked[piece] = isPacked;
        ref var memory = ref (isPacked ? ref received.Packed : ref received.Plain);
        if (memory == 0)
        {
            var bytes = Math.Max(64, _elements * WireFormat.BytesOf(isPacked));
            memory = (nint)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            _bytes += bytes;
        }

        return memory + (nint)(_offsets[piece] * WireFormat.BytesOf(isPacked));
    }

    /// <summary>Where a partial's piece has landed; nowhere when it has no elements.</summary>
    public PieceInput Find(long step, TreeNode node, int piece)
    {
        if (!_sets[step & 1].TryGetValue(node, out var received))
        {
            return default;
        }

        var isPacked = received.IsPacked[piece];
        return new PieceInput((isPacked ? received.Packed : received.Plain) + (nint)(_offsets[piece] * WireFormat.BytesOf(isPacked)), isPacked);
    }

    public void Dispose()
    {
        foreach (var set in _sets)
        {
            foreach (var received in set.Values)
            {
                NativeMemory.AlignedFree((void*)received.Plain);
                NativeMemory.AlignedFree((void*)received.Packed);
            }

            set.Clear();
        }
    }

    private sealed class Received(bool[] isPacked)
    {
        public nint Plain;
        public nint Packed;

        public bool[] IsPacked => isPacked;
    }
}
