using System.Collections;

namespace TorchSharp.Utils;

/// <summary>
/// The elements of a CPU tensor in row-major order, whatever its strides. Holds the tensor object, but a Dispose of the tensor ends
/// its validity.
/// </summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor tensor;
    private readonly T* memory;
    private readonly long[] shape;
    private readonly long[] strides;
    private readonly bool contiguous;

    internal TensorAccessor(torch.Tensor tensor)
    {
        this.tensor = tensor;
        memory = (T*)tensor.DataPointer;
        shape = tensor.shape;
        strides = tensor.stride();
        contiguous = tensor.is_contiguous();
        Count = tensor.NumberOfElements;
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    /// <summary>One index counts in row-major order; several index each dimension.</summary>
    public T this[params long[] indices]
    {
        get => memory[Offset(indices)];
        set => memory[Offset(indices)] = value;
    }

    public T[] ToArray()
    {
        var copy = new T[Count];
        CopyTo(copy);
        return copy;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(arrayIndex), tensorIndex);

    public void CopyTo(Span<T> array, long tensorIndex = 0)
    {
        var count = checked((int)(Count - tensorIndex));
        if (contiguous)
        {
            new ReadOnlySpan<T>(memory + tensorIndex, count).CopyTo(array);
            GC.KeepAlive(tensor);
            return;
        }
        for (var i = 0; i < count; i++)
        {
            array[i] = memory[FlatOffset(tensorIndex + i)];
        }
        GC.KeepAlive(tensor);
    }

    public void CopyFrom(ReadOnlySpan<T> array, long tensorIndex = 0)
    {
        for (var i = 0; i < array.Length; i++)
        {
            memory[FlatOffset(tensorIndex + i)] = array[i];
        }
        GC.KeepAlive(tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (var i = 0L; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
    }

    private long Offset(long[] indices)
    {
        if (tensor.IsInvalid)
        {
            throw torch.Tensor.Disposed();
        }
        if (indices.Length == 1)
        {
            return FlatOffset(indices[0]);
        }
        if (indices.Length != shape.Length)
        {
            throw new ArgumentException($"{indices.Length} indices were given for a tensor of {shape.Length} dimensions.");
        }
        var offset = 0L;
        for (var i = 0; i < indices.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(indices[i]);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(indices[i], shape[i]);
            offset += indices[i] * strides[i];
        }
        return offset;
    }

    private long FlatOffset(long index)
    {
        if (index < 0 || index >= Count)
        {
            throw new IndexOutOfRangeException($"Index {index} is outside a tensor of {Count} elements.");
        }
        if (contiguous)
        {
            return index;
        }
        var offset = 0L;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            offset += index % shape[i] * strides[i];
            index /= shape[i];
        }
        return offset;
    }
}
