using static TorchSharp.torch;

namespace TorchSharp.Interop;

/// <summary>The pointers of some tensors, none of which is freed before this is disposed.</summary>
internal readonly ref struct HeldTensors : IDisposable
{
    private readonly IList<Tensor> tensors;

    internal HeldTensors(IList<Tensor> tensors)
    {
        this.tensors = tensors;
        Pointers = new nint[tensors.Count];
        var count = 0;
        try
        {
            for (; count < Pointers.Length; count++)
            {
                _ = tensors[count].Handle;   // says what is wrong when it has been disposed
                var held = false;
                tensors[count].SafeHandle.DangerousAddRef(ref held);
                Pointers[count] = tensors[count].SafeHandle.Pointer;
            }
        }
        catch
        {
            Release(tensors, count);
            throw;
        }
    }

    internal nint[] Pointers { get; }

    public void Dispose() => Release(tensors, tensors.Count);

    private static void Release(IList<Tensor> tensors, int count)
    {
        for (var i = 0; i < count; i++)
        {
            tensors[i].SafeHandle.DangerousRelease();
        }
    }
}
