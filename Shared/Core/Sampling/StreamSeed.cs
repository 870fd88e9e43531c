namespace Orchestrator.Core.Sampling;

/// <summary>Derives the seed of one random stream from the run's seed and what the stream is for. Stateless, the same on every machine.</summary>
/// <remarks>Each part goes through SplitMix64's finaliser (Steele, Lea, Flood 2014), so neighbouring steps and ranks give unrelated seeds.</remarks>
public static class StreamSeed
{
    // What a stream is for. Fixed for ever: a change of a number changes every run's bits.
    private const ulong InitialWeightsPurpose = 1;
    private const ulong LogicalRankPurpose = 2;
    private const ulong EpochOrderPurpose = 3;

    /// <summary>Seeds torch before the model is built.</summary>
    public static long InitialWeights(long seed) => Derive(seed, InitialWeightsPurpose, 0, 0);

    /// <summary>Seeds torch before the forward pass of a logical rank: dropout and noise.</summary>
    /// <param name="seed">The run's.</param>
    /// <param name="step">Steps applied before this one.</param>
    /// <param name="logicalRank">In [0, V).</param>
    public static long LogicalRank(long seed, long step, int logicalRank) => Derive(seed, LogicalRankPurpose, (ulong)step, (ulong)logicalRank);

    /// <summary>Keys the permutation of one epoch.</summary>
    public static ulong EpochOrder(long seed, long epoch) => (ulong)Derive(seed, EpochOrderPurpose, (ulong)epoch, 0);

    /// <summary>SplitMix64's finaliser: a bijection of 64-bit words in which every input bit moves about half of the output bits.</summary>
    public static ulong Mix(ulong word)
    {
        word += 0x9E3779B97F4A7C15;
        word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
        return word ^ (word >> 31);
    }

    private static long Derive(long seed, ulong purpose, ulong first, ulong second)
    {
        var word = Mix((ulong)seed);
        word = Mix(word ^ purpose);
        word = Mix(word ^ first);
        return (long)Mix(word ^ second);
    }
}
