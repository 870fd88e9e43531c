using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Orchestrator.Storage.Safetensors;

/// <summary>Writes tensors in the safetensors format: the same tensors give the same bytes.</summary>
/// <remarks>
/// The header lists tensors in <see cref="NameOrder"/> and is padded with spaces to 8 bytes. The data stands by falling element size,
/// then by name: with no holes allowed, that is what aligns every tensor to its own element. Memory: the header and one piece of
/// <see cref="TensorSource.PieceBytes"/>, whatever the size of the model.
/// </remarks>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    // '<', '+' and letters outside ASCII stand as themselves: the file is data, never part of a page.
    private static readonly JsonWriterOptions HeaderOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="metadata">Becomes <c>__metadata__</c>; null or empty: none.</param>
    /// <exception cref="ArgumentException">Two tensors have one name, or a name is reserved.</exception>
    public static void Write(
        Stream stream, IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Write(bytes => stream.Write(bytes), tensors, metadata, cancellation);
    }

    /// <summary>What <see cref="Write(Stream, IEnumerable{TensorSource}, IReadOnlyDictionary{string, string}?, CancellationToken)"/> will write, in bytes.</summary>
    public static long MeasureBytes(IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        var sorted = Sort(tensors);
        return BuildHeader(sorted, metadata).Length + sorted.Sum(tensor => tensor.ByteCount);
    }

    internal static void Write(
        SpanSink sink, IEnumerable<TensorSource> tensors, IReadOnlyDictionary<string, string>? metadata, CancellationToken cancellation)
    {
        var sorted = Sort(tensors);
        var scratch = TensorSource.ScratchFor(sorted);
        sink(BuildHeader(sorted, metadata));
        foreach (var tensor in DataOrder(sorted))
        {
            tensor.Stream(scratch, sink, cancellation);
        }
    }

    private static ImmutableArray<TensorSource> Sort(IEnumerable<TensorSource> tensors)
    {
        ImmutableArray<TensorSource> sorted = [.. tensors.OrderBy(tensor => tensor.Name, NameOrder.Instance)];
        for (var index = 0; index < sorted.Length; index++)
        {
            var name = sorted[index].Name;
            if (name == SafetensorsHeader.MetadataKey)
            {
                throw new ArgumentException($"A tensor may not be called {name}: the safetensors format keeps that name for itself.", nameof(tensors));
            }
            if (index > 0 && sorted[index - 1].Name == name)
            {
                throw new ArgumentException($"Two tensors are called {name}; give each its own name.", nameof(tensors));
            }
        }
        return sorted;
    }

    private static IEnumerable<TensorSource> DataOrder(ImmutableArray<TensorSource> sorted) =>
        sorted.OrderByDescending(tensor => TensorTypes.BytesOf(tensor.Type));

    /// <summary>The length field, the JSON and its padding.</summary>
    private static byte[] BuildHeader(ImmutableArray<TensorSource> sorted, IReadOnlyDictionary<string, string>? metadata)
    {
        var offsets = new Dictionary<string, long>(StringComparer.Ordinal);
        long next = 0;
        foreach (var tensor in DataOrder(sorted))
        {
            offsets.Add(tensor.Name, next);
            next = checked(next + tensor.ByteCount);
        }
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[SafetensorsHeader.PrefixBytes]);
        using (var json = new Utf8JsonWriter(buffer, HeaderOptions))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            foreach (var tensor in sorted)
            {
                WriteTensor(json, tensor, offsets[tensor.Name]);
            }
            json.WriteEndObject();
        }
        while (buffer.Length % Alignment != 0)
        {
            buffer.WriteByte((byte)' ');
        }
        var header = buffer.ToArray();
        var jsonBytes = header.Length - SafetensorsHeader.PrefixBytes;
        if (jsonBytes > SafetensorsHeader.MaxHeaderBytes)
        {
            throw new ArgumentException(
                $"{sorted.Length} tensors need a header of {jsonBytes} bytes; the format allows {SafetensorsHeader.MaxHeaderBytes}. Use shorter names or fewer tensors.", nameof(sorted));
        }
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)jsonBytes);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null || metadata.Count == 0)
        {
            return;
        }
        json.WriteStartObject(SafetensorsHeader.MetadataKey);
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, NameOrder.Instance))
        {
            json.WriteString(key, value);
        }
        json.WriteEndObject();
    }

    private static void WriteTensor(Utf8JsonWriter json, TensorSource tensor, long begin)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", TensorTypes.NameOf(tensor.Type));
        json.WriteStartArray("shape");
        foreach (var extent in tensor.Shape)
        {
            json.WriteNumberValue(extent);
        }
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(begin + tensor.ByteCount);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
