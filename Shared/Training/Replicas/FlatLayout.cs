using System.Collections.Immutable;
using Orchestrator.Training.Optimization;

namespace Orchestrator.Training.Replicas;

/// <summary>One tensor's place in a flat buffer.</summary>
/// <param name="Name">As the model names it.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Offset">First element; a multiple of 16, so that every tensor starts at 64 bytes.</param>
/// <param name="Count">Elements.</param>
public sealed record FlatEntry(string Name, ImmutableArray<long> Shape, long Offset, long Count);

/// <summary>Where everything that is reduced lies in a flat buffer. Depends on the model alone, never on the number of workers.</summary>
/// <remarks>
/// <code>
/// [ parameters that decay | the other parameters | padding | statistics of the forward pass | loss ]
///   0                       DecayedElements                  ParameterElements                LossOffset
/// </code>
/// Statistics are the buffers under <see cref="Tasks.BufferRule.Mean"/>. The loss travels with the gradient, so it is reduced in the same order.
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
        var offset = 0L;
        Parameters = Place(parameters.Where(p => decays(p.Name, p.Shape)), ref offset);
        DecayedElements = offset;
        Parameters = Parameters.AddRange(Place(parameters.Where(p => !decays(p.Name, p.Shape)), ref offset));
        ParameterElements = offset = RoundUp(Math.Max(offset, 1), GradientNorm.ChunkElements);
        Statistics = Place(statistics, ref offset);
        LossOffset = offset;
        ElementCount = offset + AlignmentElements;
    }

    public ImmutableArray<FlatEntry> Parameters { get; }

    /// <summary>Elements at the front that belong to decaying parameters.</summary>
    public long DecayedElements { get; }

    /// <summary>Elements of all parameters with padding; a multiple of <see cref="GradientNorm.ChunkElements"/>.</summary>
    public long ParameterElements { get; }

    public ImmutableArray<FlatEntry> Statistics { get; }

    /// <summary>Where the scaled loss of the share stands.</summary>
    public long LossOffset { get; }

    /// <summary>Elements of a flat buffer.</summary>
    public long ElementCount { get; }

    /// <summary>Trainable elements without padding.</summary>
    public long TrainableCount => Parameters.Sum(entry => entry.Count);

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
