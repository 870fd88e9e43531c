using Orchestrator.Core.Sampling;

namespace Orchestrator.Core.Ledger;

/// <summary>A digest of the samples that were fed, made of one 64-bit hash for each sample.</summary>
/// <remarks>
/// Two words, because one cannot say both things. The sum does not depend on the order: its difference from what was expected is the hash of
/// the sample that was doubled or left out, so that sample can be named. The chain depends on the order, and with it the bits of a sum
/// over the samples do too. Accidents are what it is for: it takes 2^32 wrong shares until one is missed by chance with even odds.
/// </remarks>
/// <param name="Sum">The hashes added up, modulo 2^64.</param>
/// <param name="Chain">The hashes mixed in one after another.</param>
public readonly record struct SampleDigest(ulong Sum, ulong Chain)
{
    /// <summary>Of no samples.</summary>
    public static readonly SampleDigest Empty = new(0, 0);

    /// <param name="sampleHash">Of the next sample's id and bytes.</param>
    public SampleDigest Add(ulong sampleHash) => new(unchecked(Sum + sampleHash), StreamSeed.Mix(Chain ^ sampleHash));

    public override string ToString() => $"{Sum:x16}{Chain:x16}";
}
