using Orchestrator.Core.Reduction;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>Leaves and sums of the reduction tree within one worker, in fp32 or rounded to bf16. Without gradient mode.</summary>
internal static class NodeSums
{
    /// <summary>Spans are no longer than 2^31 elements; a parameter may be.</summary>
    private const long SpanElements = 1 << 30;

    /// <summary>left + right into left, in fp32.</summary>
    public static void Add(FlatBuffer left, FlatBuffer right, long offset, long count)
    {
        using var target = left.Whole.narrow(0, offset, count);
        using var addend = right.Whole.narrow(0, offset, count);
        target.add_(addend);
    }

    /// <summary>left + right into left, each sum rounded.</summary>
    public static unsafe void AddRounded(FlatBuffer left, FlatBuffer right, long offset, long count)
    {
        if (left.Whole.device_type != TorchSharp.DeviceType.CPU)
        {
            Add(left, right, offset, count);
            RoundOnDevice(left, offset, count);
            return;
        }

        var target = (float*)TensorMemory.AddressOf(left.Whole) + offset;
        var addend = (float*)TensorMemory.AddressOf(right.Whole) + offset;
        for (long done = 0; done < count; done += SpanElements)
        {
            var length = (int)Math.Min(SpanElements, count - done);
            var sum = new Span<float>(target + done, length);
            Bf16.Add(sum, new ReadOnlySpan<float>(addend + done, length), sum);
        }
    }

    /// <summary>Each element of a leaf rounded.</summary>
    public static unsafe void Round(FlatBuffer leaf, long offset, long count)
    {
        if (leaf.Whole.device_type != TorchSharp.DeviceType.CPU)
        {
            RoundOnDevice(leaf, offset, count);
            return;
        }

        var values = (float*)TensorMemory.AddressOf(leaf.Whole) + offset;
        for (long done = 0; done < count; done += SpanElements)
        {
            Bf16.Round(new Span<float>(values + done, (int)Math.Min(SpanElements, count - done)));
        }
    }

    /// <summary>By libtorch, wherever the buffer lies; the bits are those of <see cref="Bf16"/>, NaN included.</summary>
    internal static void RoundOnDevice(FlatBuffer buffer, long offset, long count)
    {
        using var scope = NewDisposeScope();
        var values = buffer.Whole.narrow(0, offset, count);
        values.copy_(values.to(ScalarType.BFloat16));
        values.masked_fill_(values.isnan(), BitConverter.UInt32BitsToSingle(0x7FC0_0000));
    }
}
