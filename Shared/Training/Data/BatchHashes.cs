using System.Buffers.Binary;
using System.Security.Cryptography;
using Orchestrator.Core.Ledger;
using static TorchSharp.torch;

namespace Orchestrator.Training.Data;

/// <summary>Hashes what a loader read: for each sample its id, and the types and bytes of its input and its target as they are fed.</summary>
public static class BatchHashes
{
    // Id, and for inputs and targets the type of an element.
    private const int PrefixBytes = sizeof(long) + 2;

    /// <summary>Over all samples, in order.</summary>
    /// <inheritdoc cref="Of"/>
    public static SampleDigest Digest(ReadOnlySpan<long> ids, Batch batch)
    {
        var digest = SampleDigest.Empty;
        foreach (var hash in Of(ids, batch))
        {
            digest = digest.Add(hash);
        }

        return digest;
    }

    /// <returns>The first 64 bits of SHA-256 of each sample.</returns>
    /// <param name="ids">That were asked for.</param>
    /// <param name="batch">What was read.</param>
    /// <exception cref="DataException">It is not as many samples as were asked for.</exception>
    public static ulong[] Of(ReadOnlySpan<long> ids, Batch batch)
    {
        if (batch.Count != ids.Length || Rows(batch.Inputs) != ids.Length || Rows(batch.Targets) != ids.Length)
        {
            throw new DataException(
                $"The data set was asked for {ids.Length} samples ({string.Join(", ", ids[..Math.Min(3, ids.Length)].ToArray())}{(ids.Length > 3 ? ", ..." : "")}) and read a batch of " +
                $"{batch.Count} with {Rows(batch.Inputs)} inputs and {Rows(batch.Targets)} targets. Its Read must give one of each for every id, in the order of the ids.");
        }

        using var inputs = batch.Inputs.contiguous();
        using var targets = batch.Targets.contiguous();
        var inputBytes = inputs.bytes;
        var targetBytes = targets.bytes;
        var (inputRow, targetRow) = (inputBytes.Length / ids.Length, targetBytes.Length / ids.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> prefix = [0, 0, 0, 0, 0, 0, 0, 0, (byte)inputs.dtype, (byte)targets.dtype];
        Span<byte> result = stackalloc byte[SHA256.HashSizeInBytes];
        var hashes = new ulong[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(prefix, ids[i]);
            hash.AppendData(prefix[..PrefixBytes]);
            hash.AppendData(inputBytes.Slice(i * inputRow, inputRow));
            hash.AppendData(targetBytes.Slice(i * targetRow, targetRow));
            hash.GetHashAndReset(result);
            hashes[i] = BinaryPrimitives.ReadUInt64LittleEndian(result);
        }

        return hashes;
    }

    private static long Rows(Tensor tensor) => tensor.dim() == 0 ? 0 : tensor.shape[0];
}
