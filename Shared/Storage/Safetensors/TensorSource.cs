using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Orchestrator.Storage.Safetensors;

/// <summary>Copies a tensor's little-endian, contiguous bytes from <paramref name="offset"/> on into the whole of <paramref name="destination"/>.</summary>
/// <remarks>It is asked for consecutive pieces of at most <see cref="TensorSource.PieceBytes"/>; it must give the same bytes every time.</remarks>
public delegate void TensorReader(long offset, Span<byte> destination);

/// <summary>A tensor to be written or hashed. Its bytes are pulled piece by piece, so that a model is never held twice.</summary>
public sealed class TensorSource
{
    /// <summary>The largest piece that a <see cref="TensorReader"/> is asked for: it fits a CPU's cache and still makes system calls rare.</summary>
    public const int PieceBytes = 1 << 20;

    private readonly TensorReader _read;

    private TensorSource(string name, TensorType type, ImmutableArray<long> shape, TensorReader read)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(read);
        Name = name;
        Type = type;
        Shape = shape;
        ByteCount = TensorShape.ByteCount(type, shape.AsSpan())
            ?? throw new ArgumentException($"Tensor {name} has the impossible shape [{string.Join(", ", shape)}].", nameof(shape));
        _read = read;
    }

    /// <summary>Any text but <c>__metadata__</c>; written as UTF-8.</summary>
    public string Name { get; }

    public TensorType Type { get; }

    public ImmutableArray<long> Shape { get; }

    public long ByteCount { get; }

    /// <summary>Bytes that already lie in managed memory.</summary>
    public static TensorSource From(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> bytes)
    {
        var source = new TensorSource(name, type, [.. shape], (offset, destination) => bytes.Span.Slice((int)offset, destination.Length).CopyTo(destination));
        return source.ByteCount == bytes.Length
            ? source
            : throw new ArgumentException(
                $"Tensor {name} [{string.Join(", ", source.Shape)}] of {TensorTypes.NameOf(type)} needs {source.ByteCount} bytes; {bytes.Length} were given.", nameof(bytes));
    }

    /// <summary>Bytes that are copied out on demand: of a native tensor, of a device, of a mapped file.</summary>
    public static TensorSource From(string name, TensorType type, ReadOnlySpan<long> shape, TensorReader read) => new(name, type, [.. shape], read);

    public static TensorSource From(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<float> values) => Typed(name, TensorType.Float32, shape, values);

    public static TensorSource From(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<double> values) => Typed(name, TensorType.Float64, shape, values);

    public static TensorSource From(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<long> values) => Typed(name, TensorType.Int64, shape, values);

    public static TensorSource From(string name, ReadOnlySpan<long> shape, ReadOnlyMemory<int> values) => Typed(name, TensorType.Int32, shape, values);

    /// <summary>A buffer for <see cref="Stream"/>: one piece, or less when no tensor is that long.</summary>
    internal static byte[] ScratchFor(IEnumerable<TensorSource> tensors) =>
        new byte[Math.Min(PieceBytes, tensors.Select(tensor => tensor.ByteCount).DefaultIfEmpty().Max())];

    /// <summary>Hands every byte to <paramref name="sink"/>, in order, through <paramref name="scratch"/> (see <see cref="ScratchFor"/>).</summary>
    internal void Stream(byte[] scratch, SpanSink sink, CancellationToken cancellation = default)
    {
        for (long offset = 0; offset < ByteCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            var count = (int)Math.Min(scratch.Length, ByteCount - offset);
            var piece = scratch.AsSpan(0, count);
            _read(offset, piece);
            sink(piece);
            offset += count;
        }
    }

    private static TensorSource Typed<T>(string name, TensorType type, ReadOnlySpan<long> shape, ReadOnlyMemory<T> values)
        where T : unmanaged
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Tensors are stored little-endian; this machine is big-endian.");
        }
        var expected = TensorShape.ByteCount(type, shape);
        var given = (long)values.Length * TensorTypes.BytesOf(type);
        if (expected is { } bytes && bytes != given)
        {
            throw new ArgumentException($"Tensor {name} [{string.Join(", ", shape.ToArray())}] needs {bytes} bytes; {given} were given.", nameof(values));
        }
        // Pieces begin and end on whole bytes, not on whole elements: the view is of bytes, and cannot pass 2 GiB at once.
        var elementBytes = TensorTypes.BytesOf(type);
        return new TensorSource(name, type, [.. shape], (offset, destination) =>
        {
            var first = (int)(offset / elementBytes);
            var last = (int)((offset + destination.Length + elementBytes - 1) / elementBytes);
            var view = MemoryMarshal.AsBytes(values.Span[first..last]);
            view.Slice((int)(offset - (long)first * elementBytes), destination.Length).CopyTo(destination);
        });
    }
}

/// <summary>Takes the next bytes of a stream; the span is only valid during the call.</summary>
internal delegate void SpanSink(ReadOnlySpan<byte> bytes);

/// <summary>Arithmetic on shapes that a file may have made up.</summary>
internal static class TensorShape
{
    /// <summary>Bytes of a tensor; null when an extent is negative or the product does not fit 63 bits.</summary>
    public static long? ByteCount(TensorType type, ReadOnlySpan<long> shape)
    {
        Int128 bytes = TensorTypes.BytesOf(type);
        var isEmpty = false;
        foreach (var extent in shape)
        {
            if (extent < 0)
            {
                return null;
            }
            isEmpty |= extent == 0;
            bytes *= Math.Max(extent, 1);
            if (bytes > long.MaxValue)
            {
                return null;
            }
        }
        return isEmpty ? 0 : (long)bytes;
    }
}
