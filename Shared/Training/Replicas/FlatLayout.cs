using System.Collections.Immutable;

namespace Orchestrator.Training.Replicas;

/// <summary>One tensor's place in a flat buffer.</summary>
/// <param name="Name">As the model names it.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">First element; a multiple of 16, so that every tensor starts at 64 bytes.</param>
/// <param name="Count">Elements.</param>
public sealed record FlatEntry(string Name, ImmutableArray<long> Shape, long Offset, long Count);

/// <summary>A run of the flat buffer whose elements become final together in the backward pass, and travel together.</summary>
/// <param name="Offset">First element; a multiple of 16.</param>
/// <param name="Count">Elements.</param>
/// <param name="Parameters">Indices of the parameters that lie in it.</param>
public sealed record FlatBucket(long Offset, long Count, ImmutableArray<int> Parameters);

/// <summary>Where everything that is reduced lies in a flat buffer. Depends on the model alone, never on the number of workers.</summary>
/// <remarks>
/// <code>
/// [ loss | statistics of the forward pass | parameters that do not decay | parameters that decay | padding ]
///   0                                       ParameterOffset                DecayedOffset
/// </code>
/// Statistics are the buffers under <see cref="Tasks.BufferRule.Mean"/>. The loss travels with the gradient, so it is reduced in the same order.
/// The backward pass finishes the last parameters first and the loss's place is filled last, so buckets run from the end to the start.
/// Padding is +0 in gradients and parameters, and an optimizer keeps it so.
/// </remarks>
public sealed record FlatLayout
{
    /// <summary>64 bytes of fp32: libtorch's kernels then treat every tensor's start alike.</summary>
    public const int AlignmentElements = 16;

    /// <param name="parameters">Names and shapes in the model's order.</param>
    /// <param name="decays">Whether the optimizer's weight decay applies to a parameter.</param>
    /// <param name="statistics">Names and shapes of the buffers under the rule Mean.</param>
    public FlatLayout(
        IReadOnlyList<(string Name, long[] Shape)> parameters, Func<string, long[], bool> decays, IReadOnlyList<(string Name, long[] Shape)> statistics)
    {
        long offset = AlignmentElements;
        Statistics = Place(statistics, ref offset);
        ParameterOffset = offset;
        var undecayed = Place(parameters.Where(p => !decays(p.Name, p.Shape)), ref offset);
        DecayedOffset = offset - ParameterOffset;
        Parameters = [.. undecayed, .. Place(parameters.Where(p => decays(p.Name, p.Shape)), ref offset)];
        ParameterElements = RoundUp(Math.Max(offset - ParameterOffset, 1), AlignmentElements);
        ElementCount = ParameterOffset + ParameterElements;
    }

    public ImmutableArray<FlatEntry> Parameters { get; }

    /// <summary>Where the parameter area starts in the flat buffer.</summary>
    public long ParameterOffset { get; }

    /// <summary>Where the decaying parameters start within the parameter area; they reach to its end.</summary>
    public long DecayedOffset { get; }

    /// <summary>Elements of the parameter area with padding; a multiple of <see cref="AlignmentElements"/>.</summary>
    public long ParameterElements { get; }

    public ImmutableArray<FlatEntry> Statistics { get; }

    /// <summary>Where the scaled loss of the share stands.</summary>
    public long LossOffset => 0;

    /// <summary>Elements of a flat buffer.</summary>
    public long ElementCount { get; }

    /// <summary>Trainable elements without padding.</summary>
    public long TrainableCount => Parameters.Sum(entry => entry.Count);

    /// <summary>Cuts the flat buffer, from its end to its start, into buckets of whole parameters.</summary>
    /// <param name="maxBytes">A bucket ends with the parameter that fills it; the last one holds what does not decay, the statistics and the loss too.</param>
    /// <param name="isHeadApart">The loss and the statistics make a last bucket of their own, so that none holds both them and gradients.</param>
    public ImmutableArray<FlatBucket> Buckets(long maxBytes, bool isHeadApart = false)
    {
        var buckets = ImmutableArray.CreateBuilder<FlatBucket>();
        var end = ElementCount;
        var inBucket = ImmutableArray.CreateBuilder<int>();
        var firstDecayed = Parameters.TakeWhile(entry => entry.Offset < ParameterOffset + DecayedOffset).Count();
        for (var i = Parameters.Length - 1; i > firstDecayed; i--)
        {
            inBucket.Add(i);
            if ((end - Parameters[i].Offset) * sizeof(float) >= maxBytes)
            {
                buckets.Add(new FlatBucket(Parameters[i].Offset, end - Parameters[i].Offset, inBucket.ToImmutable()));
                end = Parameters[i].Offset;
                inBucket.Clear();
            }
        }

        inBucket.AddRange(Enumerable.Range(0, Math.Min(firstDecayed + 1, Parameters.Length)));
        var first = isHeadApart ? ParameterOffset : 0;
        buckets.Add(new FlatBucket(first, end - first, inBucket.ToImmutable()));
        if (isHeadApart)
        {
            buckets.Add(new FlatBucket(0, ParameterOffset, []));
        }

        return buckets.ToImmutable();
    }

    private static ImmutableArray<FlatEntry> Place(IEnumerable<(string Name, long[] Shape)> tensors, ref long offset)
    {
        var entries = ImmutableArray.CreateBuilder<FlatEntry>();
        foreach (var (name, shape) in tensors)
        {
            var count = shape.Aggregate(1L, (product, extent) => checked(product * extent));
            entries.Add(new FlatEntry(name, [.. shape], offset, count));
            offset = RoundUp(offset + count, AlignmentElements);
        }

        return entries.ToImmutable();
    }

    private static long RoundUp(long value, long multiple) => (value + multiple - 1) / multiple * multiple;
}
