namespace Orchestrator.Core.Sampling;

/// <summary>Which samples a step uses, and which of them belong to a logical rank: functions of the seed and the step only.</summary>
/// <remarks>
/// Positions run on from epoch to epoch; epoch e holds positions [e x count, (e + 1) x count) in an order of its own, so every sample is used
/// exactly once an epoch. A step takes the next globalBatch positions, the last step of a run by epochs what is left.
/// </remarks>
public sealed record SampleOrder
{
    /// <param name="seed">The run's.</param>
    /// <param name="sampleCount">Samples in the training part; at least 1.</param>
    /// <param name="globalBatch">Samples of a step; at least V.</param>
    /// <param name="logicalRanks">V.</param>
    /// <param name="epochs">Passes over the data; null when the run is measured in steps.</param>
    public SampleOrder(long seed, long sampleCount, int globalBatch, int logicalRanks, long? epochs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(sampleCount, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(logicalRanks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(globalBatch, logicalRanks);
        (Seed, SampleCount, GlobalBatch, LogicalRanks) = (seed, sampleCount, globalBatch, logicalRanks);
        EndPosition = epochs is { } passes ? checked(passes * sampleCount) : long.MaxValue;
    }

    public long Seed { get; }

    public long SampleCount { get; }

    public int GlobalBatch { get; }

    public int LogicalRanks { get; }

    /// <summary>One past the last position of the run.</summary>
    public long EndPosition { get; }

    /// <summary>Steps that use every position once; null when the run is measured in steps.</summary>
    public long? StepsOfEpochs => EndPosition == long.MaxValue ? null : (EndPosition + GlobalBatch - 1) / GlobalBatch;

    /// <summary>Samples of the step: globalBatch, or fewer at the end of a run by epochs.</summary>
    /// <param name="step">Steps applied before this one.</param>
    public int BatchSize(long step)
    {
        var first = checked(step * GlobalBatch);
        return first < EndPosition
            ? (int)Math.Min(GlobalBatch, EndPosition - first)
            : throw new ArgumentOutOfRangeException(nameof(step), step, $"The run's positions end at {EndPosition}: it has {StepsOfEpochs} steps.");
    }

    /// <summary>The positions of a logical rank's share: contiguous within the step, sizes differing by at most one.</summary>
    /// <remarks>Empty only in a short last step of fewer samples than logical ranks; such a rank contributes +0 without a pass.</remarks>
    public PositionRange Share(long step, int logicalRank)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(logicalRank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(logicalRank, LogicalRanks);
        var size = BatchSize(step);
        var first = (long)size * logicalRank / LogicalRanks;
        var end = (long)size * (logicalRank + 1) / LogicalRanks;
        return new PositionRange(checked(step * GlobalBatch) + first, (int)(end - first));
    }

    public long EpochOf(long position) => position / SampleCount;

    /// <summary>The sample at a position of the run.</summary>
    public long SampleAt(long position) =>
        new EpochPermutation(SampleCount, StreamSeed.EpochOrder(Seed, EpochOf(position)))[position % SampleCount];
}

/// <summary>Positions of the run from First on, Count of them.</summary>
public readonly record struct PositionRange(long First, int Count)
{
    public long End => First + Count;
}
