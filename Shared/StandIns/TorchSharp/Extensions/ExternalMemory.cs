using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp.Extensions;

/// <summary>Tensors over memory that somebody else made: memory that other processes can read, say.</summary>
public static unsafe class ExternalMemory
{
    /// <summary>A tensor of one dimension over memory on the CPU.</summary>
    /// <param name="memory">Of the first element; 64-byte alignment is what libtorch's own memory has.</param>
    /// <param name="elements">Its length.</param>
    /// <param name="dtype">Of the elements.</param>
    /// <param name="release">Called once, on any thread, when the last tensor over the memory is gone. May not throw.</param>
    public static torch.Tensor Over(nint memory, long elements, torch.ScalarType dtype, Action release)
    {
        var handle = GCHandle.Alloc(release);
        if (NativeMethods.ot_tensor_from_blob(memory, &elements, 1, (int)dtype, &Release, GCHandle.ToIntPtr(handle), out var made) < 0)
        {
            handle.Free();
            throw NativeMethods.LastError();
        }

        return new torch.Tensor(made);
    }

    [UnmanagedCallersOnly]
    private static void Release(nint argument)
    {
        var handle = GCHandle.FromIntPtr(argument);
        var release = (Action)handle.Target!;
        handle.Free();
        release();
    }
}
