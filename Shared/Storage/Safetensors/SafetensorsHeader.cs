using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Orchestrator.Storage.Safetensors;

/// <summary>Where one tensor lies in a safetensors file.</summary>
/// <param name="Offset">From the start of the file.</param>
public sealed record TensorEntry(string Name, TensorType Type, ImmutableArray<long> Shape, long Offset, long ByteCount);

/// <summary>Reads and validates the header of a safetensors file; believes nothing that it says.</summary>
/// <remarks>
/// The format (github.com/huggingface/safetensors, "Format"): 8 bytes, unsigned little-endian: the header's length n; n bytes of JSON that
/// begin with '{' and may end in spaces: name -> {dtype, shape, data_offsets: [begin, end)} relative to the end of the header, and
/// <c>__metadata__</c>: a map of strings; then the data, without holes and without overlaps.
/// </remarks>
internal static class SafetensorsHeader
{
    public const string MetadataKey = "__metadata__";

    /// <summary>The length field.</summary>
    public const int PrefixBytes = 8;

    /// <summary>The reference implementation's own limit; a header of a million tensors stays below it.</summary>
    public const int MaxHeaderBytes = 100_000_000;

    // The deepest value is an array in an object in the header's object.
    private const int MaxDepth = 4;

    /// <param name="bytes">The header's JSON, as long as the prefix says.</param>
    /// <exception cref="StorageException"><see cref="StorageFailure.Corrupt"/>, with what is wrong and where.</exception>
    public static (ImmutableArray<TensorEntry> Tensors, ImmutableSortedDictionary<string, string> Metadata) Parse(
        string path, ReadOnlySpan<byte> bytes, long fileBytes)
    {
        var tensors = new List<TensorEntry>();
        var metadata = ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        var dataStart = PrefixBytes + (long)bytes.Length;
        if (bytes.Length == 0 || bytes[0] != (byte)'{')
        {
            throw Corrupt(path, "its header does not begin with '{'");
        }
        try
        {
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxDepth });
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                if (!names.Add(name))
                {
                    throw Corrupt(path, $"the name '{name}' stands in it twice");
                }
                reader.Read();
                if (name == MetadataKey)
                {
                    metadata = ReadMetadata(path, ref reader, metadata);
                }
                else
                {
                    tensors.Add(ReadTensor(path, name, ref reader, dataStart, fileBytes));
                }
            }
            // Only spaces may follow; anything else makes the reader throw.
            _ = reader.Read();
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Corrupt(path, $"its header is not the JSON that the format asks for: {error.Message.TrimEnd('.')}", error);
        }
        CheckLayout(path, tensors, dataStart, fileBytes);
        return ([.. tensors.OrderBy(tensor => tensor.Name, NameOrder.Instance)], metadata);
    }

    /// <summary>The header's length, from the first 8 bytes of the file.</summary>
    public static int ReadLength(string path, ReadOnlySpan<byte> prefix, long fileBytes)
    {
        if (prefix.Length < PrefixBytes)
        {
            throw Corrupt(path, $"it has {fileBytes} bytes, and the shortest such file has {PrefixBytes + 2}");
        }
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxHeaderBytes)
        {
            throw Corrupt(path, $"its header claims {length} bytes; at most {MaxHeaderBytes} are read");
        }
        return (long)length <= fileBytes - PrefixBytes
            ? (int)length
            : throw Corrupt(path, $"its header claims {length} bytes, but only {fileBytes - PrefixBytes} follow: the file is truncated");
    }

    public static StorageException Corrupt(string path, string what, Exception? inner = null) => new(
        StorageFailure.Corrupt, path, $"{path} is not a sound safetensors file: {what}.", "Fetch or write it again; `checkpoint verify` tells which checkpoints are whole.", null, inner);

    private static ImmutableSortedDictionary<string, string> ReadMetadata(
        string path, ref Utf8JsonReader reader, ImmutableSortedDictionary<string, string> empty)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Corrupt(path, $"{MetadataKey} is not an object");
        }
        var builder = empty.ToBuilder();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                throw Corrupt(path, $"{MetadataKey}.{key} is not a string");
            }
            if (!builder.TryAdd(key, reader.GetString()!))
            {
                throw Corrupt(path, $"{MetadataKey}.{key} stands in it twice");
            }
        }
        return builder.ToImmutable();
    }

    private static TensorEntry ReadTensor(string path, string name, ref Utf8JsonReader reader, long dataStart, long fileBytes)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw Corrupt(path, $"tensor '{name}' is not described by an object");
        }
        string? typeName = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString();
            reader.Read();
            var isRepeated = key switch
            {
                "dtype" => typeName is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => throw Corrupt(path, $"tensor '{name}' has the unknown key '{key}'"),
            };
            if (isRepeated)
            {
                throw Corrupt(path, $"tensor '{name}' has '{key}' twice");
            }
            switch (key)
            {
                case "dtype": typeName = reader.GetString(); break;
                case "shape": shape = ReadNumbers(path, name, key, ref reader); break;
                default: offsets = ReadNumbers(path, name, key!, ref reader); break;
            }
        }
        if (typeName is null || shape is null || offsets is not [var begin, var end])
        {
            throw Corrupt(path, $"tensor '{name}' needs dtype, shape and two data_offsets");
        }
        var type = TensorTypes.Find(typeName)
            ?? throw Corrupt(path, $"tensor '{name}' has the dtype '{typeName}', and only {TensorTypes.KnownNames} are known");
        var bytes = TensorShape.ByteCount(type, shape.ToArray())
            ?? throw Corrupt(path, $"tensor '{name}' has the impossible shape [{string.Join(", ", shape)}]");
        if (begin < 0 || end < begin || end - begin != bytes)
        {
            throw Corrupt(path, $"tensor '{name}' [{string.Join(", ", shape)}] of {typeName} needs {bytes} bytes, but its offsets are [{begin}, {end})");
        }
        return end <= fileBytes - dataStart
            ? new TensorEntry(name, type, [.. shape], dataStart + begin, bytes)
            : throw Corrupt(path, $"tensor '{name}' ends at byte {end} of {fileBytes - dataStart} bytes of data: the file is truncated");
    }

    private static List<long> ReadNumbers(string path, string name, string key, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw Corrupt(path, $"'{key}' of tensor '{name}' is not an array");
        }
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            numbers.Add(reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number)
                ? number
                : throw Corrupt(path, $"'{key}' of tensor '{name}' holds {Encoding.UTF8.GetString(reader.ValueSpan)}, which is not a 63-bit integer"));
        }
        return numbers;
    }

    private static void CheckLayout(string path, List<TensorEntry> tensors, long dataStart, long fileBytes)
    {
        var next = dataStart;
        // Empty tensors first, where several begin at one place.
        foreach (var tensor in tensors.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.ByteCount))
        {
            if (tensor.Offset != next)
            {
                var what = tensor.Offset < next ? "overlaps the tensor before it" : $"leaves a hole of {tensor.Offset - next} bytes before it";
                throw Corrupt(path, $"tensor '{tensor.Name}' at byte {tensor.Offset - dataStart} of the data {what}");
            }
            next += tensor.ByteCount;
        }
        if (next != fileBytes)
        {
            throw Corrupt(path, $"{fileBytes - next} bytes follow the last tensor");
        }
    }
}
