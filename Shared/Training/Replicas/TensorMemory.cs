using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>Where a tensor's elements lie.</summary>
public static class TensorMemory
{
    /// <summary>The first element's address. A span cannot be longer than 2 GiB; a narrow view of the first element has the address of all.</summary>
    /// <param name="tensor">On the CPU, contiguous, with at least one element.</param>
    public static unsafe nint AddressOf(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var flat = tensor.view(-1);
        using var first = flat.narrow(0, 0, 1);
        fixed (byte* address = first.bytes)
        {
            return (nint)address;
        }
    }
}
