using System.Numerics.Tensors;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Adds the partials of one piece in tree order.</summary>
internal static unsafe class PieceSum
{
    /// <summary>16 KiB: the sums between stay in the first-level cache while the partials stream through once.</summary>
    private const int BlockElements = 4096;

    /// <summary>The deepest tree of sums that lie beside each other: V up to 2^16 with one partial for each rank.</summary>
    private const int MaxPending = 17;

    /// <summary>Block by block, so that no partial is written and memory is read once. Inputs stay as they are.</summary>
    /// <param name="plan">The additions.</param>
    /// <param name="inputs">First element of the piece in each partial, in the plan's order.</param>
    /// <param name="result">First element of the piece in the reduced gradient.</param>
    /// <param name="length">Elements.</param>
    public static void Add(MergePlan plan, ReadOnlySpan<nint> inputs, nint result, long length)
    {
        if (inputs.Length == 1)
        {
            Buffer.MemoryCopy((void*)inputs[0], (void*)result, length * sizeof(float), length * sizeof(float));
            return;
        }

        var scratch = stackalloc float[BlockElements * Math.Min(MaxPending, inputs.Length)];
        // Where the sum that begins at an input lies: in the input itself until something was added to it.
        Span<nint> places = stackalloc nint[inputs.Length];
        for (long first = 0; first < length; first += BlockElements)
        {
            var count = (int)Math.Min(BlockElements, length - first);
            for (var i = 0; i < inputs.Length; i++)
            {
                places[i] = inputs[i] + (nint)(first * sizeof(float));
            }

            AddBlock(plan, places, scratch, (float*)result + first, count);
        }
    }

    private static void AddBlock(MergePlan plan, Span<nint> places, float* scratch, float* result, int count)
    {
        var pending = 0;
        Span<int> slots = stackalloc int[places.Length];
        slots.Fill(-1);
        var additions = plan.Additions;
        for (var i = 0; i < additions.Length; i++)
        {
            var (left, right) = additions[i];
            var isLast = i == additions.Length - 1;
            // Additions come in depth-first order, so the right sum's slot is the top of a stack and free again afterwards.
            if (slots[right] >= 0)
            {
                pending--;
            }

            if (!isLast && slots[left] < 0)
            {
                slots[left] = pending++;
            }

            var target = isLast ? result : scratch + ((long)slots[left] * BlockElements);
            TensorPrimitives.Add(
                new ReadOnlySpan<float>((float*)places[left], count), new ReadOnlySpan<float>((float*)places[right], count), new Span<float>(target, count));
            places[left] = (nint)target;
        }
    }
}
