using System.Runtime.InteropServices;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where the sums lie that this member sends on for its group, as fp32. Made when the first is added.</summary>
/// <remarks>A place is written again in the next step, when all who are in the sum have sent partials of that step, and so have the whole gradient of this one.</remarks>
internal sealed unsafe class CollectedMemory(AllReducePlan plan) : IDisposable
{
    private readonly List<nint> _sums = [];
    private readonly long[] _offsets = Offsets(plan);
    private readonly long _elements = plan.Collected.Sum(piece => piece.Range.Length);

    /// <summary>Called under the exchange's lock.</summary>
    /// <param name="sum">Index of the sum in the piece's collection.</param>
    /// <param name="piece">Index of the collected piece.</param>
    public nint Place(int sum, int piece)
    {
        while (_sums.Count <= sum)
        {
            _sums.Add((nint)NativeMemory.AlignedAlloc((nuint)Math.Max(64, _elements * sizeof(float)), 64));
        }

        return _sums[sum] + (nint)(_offsets[piece] * sizeof(float));
    }

    public void Dispose()
    {
        _sums.ForEach(memory => NativeMemory.AlignedFree((void*)memory));
        _sums.Clear();
    }

    /// <summary>Where each collected piece begins when they lie one behind the other.</summary>
    private static long[] Offsets(AllReducePlan plan)
    {
        var offsets = new long[plan.Collected.Length];
        for (var i = 1; i < offsets.Length; i++)
        {
            offsets[i] = offsets[i - 1] + plan.Collected[i - 1].Range.Length;
        }

        return offsets;
    }
}
