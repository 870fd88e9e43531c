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
        for (var i = 0; i < Pointers.Length; i++)
        {
            var held = false;
            _ = tensors[i].Handle;   // says what is wrong when it has been disposed
            tensors[i].SafeHandle.DangerousAddRef(ref held);
            Pointers[i] = tensors[i].SafeHandle.Pointer;
        }
    }

    internal nint[] Pointers { get; }

    public void Dispose()
    {
        foreach (var tensor in tensors)
        {
            tensor.SafeHandle.DangerousRelease();
        }
    }
}
