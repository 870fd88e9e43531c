using System.Runtime.InteropServices;
using System.Text;
using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Extensions;

/// <summary>
/// Lays out the arguments of one call for the C ABI. Lists are copied into words on the caller's stack, or, when they are long, into
/// native memory. Every tensor is held until <see cref="Release"/>, so that no other thread's Dispose frees it during the call.
/// </summary>
internal unsafe ref struct ArgumentMarshaller(ReadOnlySpan<Argument> arguments, NativeValue* values, long* words)
{
    /// <summary>Enough for the lists of a convolution (four of two to three numbers), and for concatenating about twenty tensors.</summary>
    internal const int InlineWords = 32;

    private readonly ReadOnlySpan<Argument> arguments = arguments;
    private readonly NativeValue* values = values;
    private readonly long* words = words;
    private int used;
    private int heldArguments;
    private int heldElements;   // of the list at index heldArguments
    private List<nint>? heap;

    internal void Marshal()
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            ref readonly var argument = ref arguments[i];
            ref var value = ref values[i];
            value.Tag = argument.Tag;
            value.Count = 0;
            switch (argument.Tag)
            {
                case ValueTag.Tensor:
                    value.Pointer = Hold(argument.Of<Tensor>());
                    break;
                case ValueTag.TensorList:
                    MarshalTensors(argument.Of<Tensor?[]>(), ref value);
                    break;
                case ValueTag.IntList:
                    CopyWords(argument.Of<long[]>(), ref value);
                    break;
                case ValueTag.DoubleList:
                    CopyWords(MemoryMarshal.Cast<double, long>(argument.Of<double[]>()), ref value);
                    break;
                case ValueTag.BoolList:
                    CopyWords(Array.ConvertAll(argument.Of<bool[]>(), flag => flag ? 1L : 0L), ref value);
                    break;
                case ValueTag.String:
                    MarshalText(argument.Of<string>(), ref value);
                    break;
                case ValueTag.Generator:
                    value.Pointer = argument.Of<Generator>().Pointer;
                    break;
                default:
                    value.Integer = argument.Bits;
                    break;
            }
            heldArguments = i + 1;
            heldElements = 0;
        }
    }

    internal readonly void Release()
    {
        for (var i = 0; i < heldArguments; i++)
        {
            ref readonly var argument = ref arguments[i];
            if (argument.Tag == ValueTag.Tensor)
            {
                argument.Of<Tensor>().SafeHandle.DangerousRelease();
            }
            else if (argument.Tag == ValueTag.TensorList)
            {
                ReleaseElements(argument.Of<Tensor?[]>(), int.MaxValue);
            }
            else if (argument.Tag == ValueTag.Generator)
            {
                GC.KeepAlive(argument.Reference);
            }
        }
        if (heldElements > 0)
        {
            ReleaseElements(arguments[heldArguments].Of<Tensor?[]>(), heldElements);
        }
        if (heap is null)
        {
            return;
        }
        foreach (var memory in heap)
        {
            NativeMemory.Free((void*)memory);
        }
    }

    private static void ReleaseElements(Tensor?[] tensors, int count)
    {
        for (var i = 0; i < Math.Min(count, tensors.Length); i++)
        {
            tensors[i]?.SafeHandle.DangerousRelease();
        }
    }

    private static nint Hold(Tensor tensor)
    {
        var held = false;
        try
        {
            tensor.SafeHandle.DangerousAddRef(ref held);
        }
        catch (ObjectDisposedException)
        {
            throw Tensor.Disposed();
        }
        return tensor.SafeHandle.Pointer;
    }

    private void MarshalTensors(Tensor?[] tensors, ref NativeValue value)
    {
        var pointers = Reserve(tensors.Length);
        for (var i = 0; i < tensors.Length; i++)
        {
            pointers[i] = tensors[i] is { } tensor ? Hold(tensor) : 0;
            heldElements = i + 1;
        }
        value.Count = tensors.Length;
        value.Pointer = (nint)pointers;
    }

    private void CopyWords(ReadOnlySpan<long> list, ref NativeValue value)
    {
        var copy = Reserve(list.Length);
        list.CopyTo(new Span<long>(copy, list.Length));
        value.Count = list.Length;
        value.Pointer = (nint)copy;
    }

    private void MarshalText(string text, ref NativeValue value)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var copy = Reserve((bytes.Length + 7) / 8);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        value.Count = bytes.Length;
        value.Pointer = (nint)copy;
    }

    private long* Reserve(int count)
    {
        if (used + count <= InlineWords)
        {
            var reserved = words + used;
            used += count;
            return reserved;
        }
        var memory = (long*)NativeMemory.Alloc((nuint)count, sizeof(long));
        (heap ??= []).Add((nint)memory);
        return memory;
    }
}
