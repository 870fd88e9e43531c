using Orchestrator.Core.Sampling;

namespace Orchestrator.Core.Ledger;

/// <summary>Proves that no sample is used twice in an epoch, and that a whole epoch used each of them. One bit for each sample of one epoch.</summary>
/// <remarks>Positions are given in order and without a gap, so a partial epoch is its prefix.</remarks>
public sealed class EpochCoverage(long sampleCount)
{
    private readonly ulong[] _used = new ulong[(sampleCount + 63) / 64];
    private long _epoch = -1;
    private long _usedCount;
    private bool _isFromItsStart;

    /// <summary>Samples counted, over all epochs.</summary>
    public long Samples { get; private set; }

    /// <returns>Null, or what is wrong.</returns>
    public string? Add(SampleOrder order, long position, long sample)
    {
        var epoch = order.EpochOf(position);
        if (epoch != _epoch)
        {
            if (_isFromItsStart && _usedCount != sampleCount)
            {
                return $"Epoch {_epoch + 1} used {_usedCount} of its {sampleCount} samples.";
            }

            (_epoch, _usedCount, _isFromItsStart) = (epoch, 0, position % sampleCount == 0);
            Array.Clear(_used);
        }

        ref var word = ref _used[sample / 64];
        var bit = 1UL << (int)(sample % 64);
        if ((word & bit) != 0)
        {
            return $"Sample {sample} is used twice in epoch {epoch + 1}.";
        }

        word |= bit;
        _usedCount++;
        Samples++;
        return null;
    }
}
