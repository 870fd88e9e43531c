using Orchestrator.Core.Sampling;

namespace Orchestrator.Training.Data;

/// <summary>A random stream that is the same bits on every machine: SplitMix64 (Steele, Lea and Flood, 2014) and IEEE arithmetic only.</summary>
/// <remarks>A mutable struct: keep it in a local or a field and pass it by ref. No Math function is used, since libm differs between machines.</remarks>
public struct SampleRandom(ulong seed)
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;
    private ulong _state = seed;

    /// <summary>The stream of one sample in one epoch: nearby keys give unrelated streams.</summary>
    public static SampleRandom For(long seed, long sampleId, long epoch) =>
        new(StreamSeed.Mix(StreamSeed.Mix(StreamSeed.Mix((ulong)seed) ^ (ulong)sampleId) ^ (ulong)epoch));

    public ulong NextUInt64()
    {
        var word = StreamSeed.Mix(_state);
        _state += GoldenGamma;
        return word;
    }

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Uniform in [low, high).</summary>
    public double NextDouble(double low, double high) => low + ((high - low) * NextDouble());

    /// <summary>Uniform in [0, bound); the bias is below bound x 2^-64.</summary>
    public int Next(int bound) => (int)Math.BigMul(NextUInt64(), (ulong)bound, out _);

    /// <summary>Mean 0, variance 1, within [-6, 6]: the sum of twelve uniform numbers less 6, which is bell-shaped enough for noise.</summary>
    public double NextBell()
    {
        var sum = -6.0;
        for (var i = 0; i < 12; i++)
        {
            sum += NextDouble();
        }

        return sum;
    }
}
