using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>All tensors of a state one behind the other in native memory: parameters, optimizer slots, frozen parameters, buffers; each at a multiple of 64 bytes.</summary>
public sealed class StateImage
{
    private const int Alignment = 64;

    private readonly Tensor[] _tensors;

    internal StateImage(Tensor[] tensors)
    {
        _tensors = tensors;
        Bytes = tensors.Sum(tensor => Aligned(BytesOf(tensor)));
    }

    /// <summary>The same for every replica of a job.</summary>
    public long Bytes { get; }

    /// <param name="image">At least <see cref="Bytes"/>.</param>
    public unsafe void CopyTo(nint image)
    {
        using var noGrad = no_grad();
        foreach (var tensor in _tensors)
        {
            using var scope = NewDisposeScope();
            var copy = tensor.detach().cpu().contiguous();
            var bytes = BytesOf(tensor);
            if (bytes > 0)
            {
                Buffer.MemoryCopy((void*)TensorMemory.AddressOf(copy), (void*)image, bytes, bytes);
            }

            image += (nint)Aligned(bytes);
        }
    }

    /// <param name="image">As CopyTo left it.</param>
    public unsafe void CopyFrom(nint image)
    {
        using var noGrad = no_grad();
        foreach (var tensor in _tensors)
        {
            var bytes = BytesOf(tensor);
            if (bytes > 0 && tensor.device_type == TorchSharp.DeviceType.CPU && tensor.is_contiguous())
            {
                Buffer.MemoryCopy((void*)image, (void*)TensorMemory.AddressOf(tensor), bytes, bytes);
            }
            else if (bytes > 0)
            {
                using var staged = empty(tensor.shape, dtype: tensor.dtype);
                Buffer.MemoryCopy((void*)image, (void*)TensorMemory.AddressOf(staged), bytes, bytes);
                tensor.copy_(staged);
            }

            image += (nint)Aligned(bytes);
        }
    }

    private static long BytesOf(Tensor tensor) => tensor.numel() * tensor.element_size();

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
