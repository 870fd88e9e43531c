using System.Runtime.InteropServices;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where received partials of the own pieces lie until their step is reduced: two sets, because a peer may be one step ahead.</summary>
/// <remarks>
/// Native memory at 64 bytes, made when a partial first comes by a wire; a partial that is read in a peer's shared memory needs none. An own
/// slice is scattered over the flat buffer, so each of its pieces has a place of its own here.
/// </remarks>
internal sealed unsafe class PartialMemory : IDisposable
{
    private readonly long _elements;
    private readonly long[] _offsets;
    private readonly Dictionary<TreeNode, nint>[] _sets = [[], []];

    public PartialMemory(AllReducePlan plan)
    {
        _offsets = new long[plan.OwnPieces.Length];
        for (var i = 0; i < _offsets.Length; i++)
        {
            _offsets[i] = _elements;
            _elements += plan.OwnPieces[i].Range.Length;
        }
    }

    /// <summary>Bytes of all that was made.</summary>
    public long Bytes => _sets.Sum(set => set.Count) * _elements * sizeof(float);

    /// <summary>The place of a partial's piece in a step. Called under the exchange's lock.</summary>
    /// <param name="step">The present or the next.</param>
    /// <param name="node">The partial.</param>
    /// <param name="piece">Index of the own piece.</param>
    public nint Place(long step, TreeNode node, int piece)
    {
        var set = _sets[step & 1];
        if (!set.TryGetValue(node, out var memory))
        {
            set[node] = memory = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(64, _elements * sizeof(float)), 64);
        }

        return memory + (nint)(_offsets[piece] * sizeof(float));
    }

    public void Dispose()
    {
        foreach (var set in _sets)
        {
            foreach (var memory in set.Values)
            {
                NativeMemory.AlignedFree((void*)memory);
            }

            set.Clear();
        }
    }
}
