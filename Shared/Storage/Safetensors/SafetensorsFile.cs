using System.Collections.Immutable;
using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Safetensors;

/// <summary>A safetensors file opened for reading: the header validated, the data mapped, nothing copied.</summary>
/// <remarks>Reading is thread-safe. Spans are valid until <see cref="Dispose"/>; a tensor's data may be larger than a span can hold (2 GiB), then read it in pieces.</remarks>
public sealed class SafetensorsFile : IDisposable
{
    private readonly IFileMap _map;
    private readonly Dictionary<string, TensorEntry> _byName;

    private SafetensorsFile(string path, IFileMap map, ImmutableArray<TensorEntry> tensors, ImmutableSortedDictionary<string, string> metadata)
    {
        Path = path;
        _map = map;
        Tensors = tensors;
        Metadata = metadata;
        _byName = tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
    }

    public string Path { get; }

    /// <summary>Every tensor, in <see cref="NameOrder"/>.</summary>
    public ImmutableArray<TensorEntry> Tensors { get; }

    public ImmutableSortedDictionary<string, string> Metadata { get; }

    /// <exception cref="StorageException">There is no such file, it may not be read, or it is not sound.</exception>
    public static SafetensorsFile Open(string path, IFileSystem? fileSystem = null)
    {
        IFileMap map;
        try
        {
            map = (fileSystem ?? LocalFileSystem.Instance).Map(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Reading", path);
        }
        try
        {
            var prefix = map.Slice(0, (int)Math.Min(SafetensorsHeader.PrefixBytes, map.Length));
            var headerBytes = SafetensorsHeader.ReadLength(path, prefix, map.Length);
            var (tensors, metadata) = SafetensorsHeader.Parse(path, map.Slice(SafetensorsHeader.PrefixBytes, headerBytes), map.Length);
            return new SafetensorsFile(path, map, tensors, metadata);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    public TensorEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <exception cref="StorageException">The file has no such tensor; the message names the first few it has.</exception>
    public TensorEntry Get(string name) => Find(name) ?? throw new StorageException(
        StorageFailure.Corrupt, Path, $"{Path} has no tensor '{name}'; it has {Tensors.Length}: {string.Join(", ", Tensors.Take(5).Select(tensor => tensor.Name))}{(Tensors.Length > 5 ? ", ..." : "")}.",
        "Check that the file belongs to this model.");

    /// <summary>The tensor's little-endian bytes, in place.</summary>
    /// <exception cref="ArgumentException">The tensor is larger than a span can be; use <see cref="Read"/>.</exception>
    public ReadOnlySpan<byte> Bytes(TensorEntry tensor) => tensor.ByteCount <= int.MaxValue
        ? _map.Slice(tensor.Offset, (int)tensor.ByteCount)
        : throw new ArgumentException($"Tensor {tensor.Name} has {tensor.ByteCount} bytes; more than {int.MaxValue} are read in pieces.", nameof(tensor));

    /// <summary>Copies the tensor's bytes from <paramref name="offset"/> on into the whole of <paramref name="destination"/>.</summary>
    public void Read(TensorEntry tensor, long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, tensor.ByteCount - destination.Length);
        _map.Slice(tensor.Offset + offset, destination.Length).CopyTo(destination);
    }

    /// <summary>The tensor as a source for writing or hashing, reading from this file; it must outlive the use.</summary>
    public TensorSource AsSource(TensorEntry tensor) =>
        TensorSource.From(tensor.Name, tensor.Type, tensor.Shape.AsSpan(), (offset, destination) => Read(tensor, offset, destination));

    public void Dispose() => _map.Dispose();
}
