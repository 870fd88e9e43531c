using System.Numerics;

namespace Orchestrator.Core.Sampling;

/// <summary>A permutation of 0..Count-1 that finds any position in O(1) and keeps no table.</summary>
/// <remarks>
/// A balanced Feistel network over the smallest even number of bits that holds Count, with cycle walking: an image outside the
/// range is permuted again until it falls inside (Black and Rogaway 2002). The domain is below 4 x Count, so a walk takes under 4 rounds on average.
/// </remarks>
public readonly struct EpochPermutation
{
    // Six rounds of a strong mixer: more than the four of Luby and Rackoff, and still about 20 ns.
    private const int Rounds = 6;

    private readonly ulong _key;
    private readonly int _halfBits;

    /// <param name="count">Samples of the epoch; at least 1.</param>
    /// <param name="key">From <see cref="StreamSeed.EpochOrder"/>.</param>
    public EpochPermutation(long count, ulong key)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
        _key = key;
        var bits = count == 1 ? 1 : BitOperations.Log2((ulong)(count - 1)) + 1;
        _halfBits = (bits + 1) / 2;
    }

    public long Count { get; }

    /// <returns>The sample at a position of the epoch's order.</returns>
    public long this[long position]
    {
        get
        {
            if ((ulong)position >= (ulong)Count)
            {
                throw new ArgumentOutOfRangeException(nameof(position), position, $"An epoch has positions 0 to {Count - 1}.");
            }

            var image = (ulong)position;
            do
            {
                image = Permute(image);
            }
            while (image >= (ulong)Count);

            return (long)image;
        }
    }

    private ulong Permute(ulong word)
    {
        var mask = (1UL << _halfBits) - 1;
        var left = word >> _halfBits;
        var right = word & mask;
        for (var round = 0; round < Rounds; round++)
        {
            var mixed = StreamSeed.Mix(_key ^ ((ulong)round << 56) ^ right) & mask;
            (left, right) = (right, left ^ mixed);
        }

        return (left << _halfBits) | right;
    }
}
