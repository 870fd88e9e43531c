using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor without dimensions.</summary>
    public static Tensor tensor<T>(T scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged =>
        Copied<T>(MemoryMarshal.CreateReadOnlySpan(ref scalar, 1), [], dtype, device, requires_grad);

    /// <summary>A copy of the values, in one dimension.</summary>
    public static Tensor tensor<T>(T[] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged =>
        Copied<T>(rawArray, [rawArray.Length], dtype, device, requires_grad);

    public static Tensor tensor<T>(IList<T> rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => tensor(rawArray.ToArray(), dtype, device, requires_grad);

    public static Tensor tensor<T>(T[] rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => Copied<T>(rawArray, dimensions, dtype, device, requires_grad);

    public static Tensor tensor<T>(IList<T> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => Copied<T>(rawArray.ToArray(), dimensions, dtype, device, requires_grad);

    public static Tensor tensor<T>(Memory<T> rawArray, long[] dimensions, ScalarType? dtype = null, Device? device = null, bool requires_grad = false)
        where T : unmanaged => Copied<T>(rawArray.Span, dimensions, dtype, device, requires_grad);

    public static Tensor tensor<T>(T[,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged =>
        Copied(Flat<T>(rawArray), Lengths(rawArray), dtype, device, requires_grad);

    public static Tensor tensor<T>(T[,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged =>
        Copied(Flat<T>(rawArray), Lengths(rawArray), dtype, device, requires_grad);

    public static Tensor tensor<T>(T[,,,] rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) where T : unmanaged =>
        Copied(Flat<T>(rawArray), Lengths(rawArray), dtype, device, requires_grad);

    public static Tensor from_array(Array rawArray, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) => rawArray switch
    {
        float[] => Copied(Flat<float>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
        _ => rawArray.GetType().GetElementType() switch
        {
            { } type when type == typeof(float) => Copied(Flat<float>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
            { } type when type == typeof(double) => Copied(Flat<double>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
            { } type when type == typeof(long) => Copied(Flat<long>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
            { } type when type == typeof(int) => Copied(Flat<int>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
            { } type when type == typeof(byte) => Copied(Flat<byte>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
            { } type when type == typeof(bool) => Copied(Flat<bool>(rawArray), Lengths(rawArray), dtype, device, requires_grad),
            var type => throw new ArgumentException($"A tensor cannot be made from an array of {type?.Name}."),
        },
    };

    /// <summary>A tensor over the array's own memory, which stays pinned until libtorch lets go of the last tensor over it.</summary>
    public static unsafe Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false, Device? device = null)
    {
        var elementBytes = dtype.ElementSize();
        var available = Buffer.ByteLength(rawArray) / elementBytes - offset;
        if (offset < 0 || count > available || available < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"The array has {available + offset} elements of {dtype}; offset is {offset}.");
        }
        var pin = GCHandle.Alloc(rawArray, GCHandleType.Pinned);
        var size = count < 0 ? available : count;
        var status = NativeMethods.ot_tensor_from_blob(
            pin.AddrOfPinnedObject() + (nint)(offset * elementBytes), &size, 1, (int)dtype, &Unpin, GCHandle.ToIntPtr(pin), out var made);
        if (status < 0)
        {
            pin.Free();
            throw NativeMethods.LastError();
        }
        var tensor = new Tensor(made);
        return (device is null || device.type == DeviceType.CPU ? tensor : tensor.to(device, disposeAfter: true)).requires_grad_if(requires_grad);
    }

    /// <summary>A tensor over memory that the caller keeps until every tensor over it is gone: a memory map, a pinned buffer.</summary>
    internal static unsafe Tensor FromMemory(nint memory, long[] shape, ScalarType dtype)
    {
        fixed (long* sizes = shape)
        {
            NativeMethods.Check(NativeMethods.ot_tensor_from_blob(memory, sizes, shape.Length, (int)dtype, null, 0, out var made));
            return new Tensor(made);
        }
    }

    [UnmanagedCallersOnly]
    private static void Unpin(nint pin) => GCHandle.FromIntPtr(pin).Free();

    private static unsafe Tensor Copied<T>(ReadOnlySpan<T> values, long[] shape, ScalarType? dtype, Device? device, bool requires_grad)
        where T : unmanaged
    {
        var count = 1L;
        foreach (var size in shape)
        {
            count *= size;
        }
        if (count != values.Length)
        {
            throw new ArgumentException($"{values.Length} values do not fill a tensor of shape [{string.Join(", ", shape)}].");
        }
        var made = empty(shape, dtype: ElementTypes.Of<T>());
        if (count > 0)
        {
            values.CopyTo(new Span<T>((void*)made.DataPointer, values.Length));
        }
        if ((dtype is { } type && type != made.dtype) || (device is not null && device.type != DeviceType.CPU))
        {
            made = made.to(dtype ?? made.dtype, device ?? CPU, disposeAfter: true);
        }
        return made.requires_grad_if(requires_grad);
    }

    private static unsafe ReadOnlySpan<T> Flat<T>(Array array) where T : unmanaged =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array)), array.Length);

    private static long[] Lengths(Array array)
    {
        var lengths = new long[array.Rank];
        for (var i = 0; i < lengths.Length; i++)
        {
            lengths[i] = array.GetLength(i);
        }
        return lengths;
    }
}
