using System.Runtime.InteropServices;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where received partials of the own slice lie until their step is reduced: two sets, because a peer may be one step ahead.</summary>
/// <remarks>Native memory at 64 bytes, made once for a generation: W - 1 partials or a few more of one slice each, twice.</remarks>
internal sealed unsafe class PartialMemory : IDisposable
{
    private readonly ElementRange _slice;
    private readonly Dictionary<TreeNode, nint>[] _sets = [[], []];

    public PartialMemory(AllReducePlan plan)
    {
        _slice = plan.OwnSlice;
        foreach (var set in _sets)
        {
            foreach (var node in plan.Nodes.Where((_, member) => member != plan.Self).SelectMany(nodes => nodes))
            {
                set[node] = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(64, _slice.Length * sizeof(float)), 64);
            }
        }
    }

    /// <summary>Bytes of all sets.</summary>
    public long Bytes => _sets.Sum(set => set.Count) * _slice.Length * sizeof(float);

    /// <summary>A received partial's piece of one step.</summary>
    public Span<float> Piece(long step, TreeNode node, ElementRange range) =>
        new((float*)_sets[step & 1][node] + (range.Offset - _slice.Offset), checked((int)range.Length));

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
