using static TorchSharp.torch;

namespace Orchestrator.Training.Data;

/// <summary>A fixed sequence of samples, read from disk as they are asked for. Reading is safe from one thread at a time.</summary>
public interface IDataSet : IDisposable
{
    /// <summary>Samples; ids run from 0 to Count - 1.</summary>
    long Count { get; }

    /// <summary>Reads samples by id, in the order given, onto the CPU. The caller disposes the batch.</summary>
    /// <param name="ids">Each in [0, Count).</param>
    /// <param name="streams">Randomness for augmentation, a function of the sample's id and the epoch only; unused by most sets.</param>
    /// <exception cref="DataException">A file is missing, too short or not what it claims to be.</exception>
    Batch Read(ReadOnlySpan<long> ids, SampleStreams streams);
}

/// <summary>The samples of one logical rank (or of one evaluation batch).</summary>
/// <param name="Inputs">[N, ...] on the CPU.</param>
/// <param name="Targets">[N, ...] on the CPU.</param>
/// <param name="Count">N.</param>
public sealed record Batch(Tensor Inputs, Tensor Targets, int Count) : IDisposable
{
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }
}

/// <summary>The seed from which a sample's own random stream is made: hash it with the sample's id and epoch, never with a worker or a rank.</summary>
public readonly record struct SampleStreams(long Seed, long Epoch)
{
    /// <summary>The random stream of one sample in this epoch.</summary>
    public SampleRandom For(long sampleId) => SampleRandom.For(Seed, sampleId, Epoch);
}

/// <summary>What is wrong with a data file, which one, and the cure, in one sentence a person can act on.</summary>
public sealed class DataException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The two parts of a job's data, and what pins them: count and SHA-256 over everything that training can read.</summary>
/// <param name="Training">The part that steps draw from.</param>
/// <param name="HeldOut">The part that evaluation uses; null when there is none.</param>
/// <param name="Sha256">Lower-case hex over both parts (names, sizes and bytes of the files in ordinal order).</param>
/// <param name="Shape">What a model needs to know of one sample.</param>
public sealed record DataParts(IDataSet Training, IDataSet? HeldOut, string Sha256, SampleShape Shape) : IDisposable
{
    public void Dispose()
    {
        Training.Dispose();
        HeldOut?.Dispose();
    }
}

/// <param name="Input">Shape of one input without the batch dimension: [T], [C, H, W] or [F].</param>
/// <param name="Classes">Number of classes (256 for bytes); 0 for real-valued targets.</param>
public sealed record SampleShape(long[] Input, int Classes);
