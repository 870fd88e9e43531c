using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Storage.Safetensors;

/// <summary>The one number that says "same weights": SHA-256 over every parameter and persistent buffer.</summary>
/// <remarks>
/// The bytes that are hashed, integers unsigned little-endian, every variable part led by its length, so that no two models share them:
/// <code>
/// "orchestrator-weights-1\n"        23 bytes of ASCII: this framing
/// u64  number of tensors
/// then for each tensor, in <see cref="NameOrder"/>:
///   u32  length of the name in bytes,  the name in UTF-8
///   u8   length of the type's name,    the type's name in ASCII, as in safetensors (F32, I64, ...)
///   u32  number of dimensions,         u64 for each extent
///   u64  length of the data in bytes,  the data: little-endian, contiguous, row-major
/// </code>
/// The result is 64 lower-case hexadecimal digits.
/// </remarks>
public static class WeightsHash
{
    private static ReadOnlySpan<byte> Framing => "orchestrator-weights-1\n"u8;

    /// <summary>Hashes tensors where they lie; memory: one piece of <see cref="TensorSource.PieceBytes"/>.</summary>
    /// <exception cref="ArgumentException">Two tensors have one name.</exception>
    public static string Compute(IEnumerable<TensorSource> tensors, CancellationToken cancellation = default)
    {
        TensorSource[] sorted = [.. tensors.OrderBy(tensor => tensor.Name, NameOrder.Instance)];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Framing);
        AppendUInt64(hash, (ulong)sorted.Length);
        var scratch = TensorSource.ScratchFor(sorted);
        for (var index = 0; index < sorted.Length; index++)
        {
            if (index > 0 && sorted[index].Name == sorted[index - 1].Name)
            {
                throw new ArgumentException($"Two tensors are called {sorted[index].Name}; give each its own name.", nameof(tensors));
            }
            AppendDescription(hash, sorted[index]);
            sorted[index].Stream(scratch, hash.AppendData, cancellation);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The hash of what a safetensors file holds.</summary>
    public static string Compute(SafetensorsFile file, CancellationToken cancellation = default) =>
        Compute(file.Tensors.Select(file.AsSource), cancellation);

    private static void AppendDescription(IncrementalHash hash, TensorSource tensor)
    {
        var name = Encoding.UTF8.GetBytes(tensor.Name);
        AppendUInt32(hash, (uint)name.Length);
        hash.AppendData(name);
        var type = Encoding.ASCII.GetBytes(TensorTypes.NameOf(tensor.Type));
        hash.AppendData([(byte)type.Length]);
        hash.AppendData(type);
        AppendUInt32(hash, (uint)tensor.Shape.Length);
        foreach (var extent in tensor.Shape)
        {
            AppendUInt64(hash, (ulong)extent);
        }
        AppendUInt64(hash, (ulong)tensor.ByteCount);
    }

    private static void AppendUInt32(IncrementalHash hash, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }

    private static void AppendUInt64(IncrementalHash hash, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        hash.AppendData(bytes);
    }
}
