using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Orchestrator.Core.Reduction;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>A piece of one partial.</summary>
/// <param name="Address">Its first element.</param>
/// <param name="IsPacked">bf16 in two bytes; else fp32.</param>
internal readonly record struct PieceInput(nint Address, bool IsPacked);

/// <summary>Adds the partials of one piece in tree order, in fp32 or with every sum rounded to bf16.</summary>
internal static unsafe class PieceSum
{
    /// <summary>16 KiB: the sums between stay in the first-level cache while the partials stream through once.</summary>
    private const int BlockElements = 4096;

    /// <summary>The deepest tree of sums that lie beside each other: V up to 2^16 with one partial for each rank.</summary>
    private const int MaxPending = 17;

    /// <summary>Block by block, so that no partial is written and memory is read once. Inputs stay as they are.</summary>
    /// <param name="plan">The additions.</param>
    /// <param name="inputs">The piece in each partial, in the plan's order.</param>
    /// <param name="result">First element of the piece in the reduced gradient.</param>
    /// <param name="length">Elements.</param>
    /// <param name="isRounded">Whether sums are rounded; packed inputs are rounded ones.</param>
    // Zeroing the scratch would cost as much as a tenth of the additions.
    [SkipLocalsInit]
    public static void Add(MergePlan plan, ReadOnlySpan<PieceInput> inputs, nint result, long length, bool isRounded)
    {
        // The sums between, and two places where packed operands are unpacked.
        var scratch = stackalloc float[BlockElements * (Math.Min(MaxPending, inputs.Length) + 2)];
        // Where the sum that begins at an input lies: in the input itself until something was added to it.
        Span<PieceInput> places = stackalloc PieceInput[inputs.Length];
        for (long first = 0; first < length; first += BlockElements)
        {
            var count = (int)Math.Min(BlockElements, length - first);
            for (var i = 0; i < inputs.Length; i++)
            {
                places[i] = inputs[i] with { Address = inputs[i].Address + (nint)(first * WireFormat.BytesOf(inputs[i].IsPacked)) };
            }

            var target = (float*)result + first;
            if (inputs.Length == 1)
            {
                Operand(places[0], target, count).CopyTo(new Span<float>(target, count));
            }
            else
            {
                AddBlock(plan, places, scratch, target, count, isRounded);
            }
        }
    }

    private static void AddBlock(MergePlan plan, Span<PieceInput> places, float* scratch, float* result, int count, bool isRounded)
    {
        var pending = 0;
        Span<int> slots = stackalloc int[places.Length];
        slots.Fill(-1);
        var sums = scratch + (2 * BlockElements);
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

            var target = isLast ? result : sums + ((long)slots[left] * BlockElements);
            var a = Operand(places[left], scratch, count);
            var b = Operand(places[right], scratch + BlockElements, count);
            var sum = new Span<float>(target, count);
            if (isRounded)
            {
                Bf16.Add(a, b, sum);
            }
            else
            {
                TensorPrimitives.Add(a, b, sum);
            }

            places[left] = new PieceInput((nint)target, IsPacked: false);
        }
    }

    private static ReadOnlySpan<float> Operand(PieceInput place, float* scratch, int count)
    {
        if (!place.IsPacked)
        {
            return new ReadOnlySpan<float>((float*)place.Address, count);
        }

        var values = new Span<float>(scratch, count);
        Bf16.Unpack(new ReadOnlySpan<ushort>((void*)place.Address, count), values);
        return values;
    }
}
