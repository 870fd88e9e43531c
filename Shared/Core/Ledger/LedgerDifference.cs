using System.Collections.Immutable;

namespace Orchestrator.Core.Ledger;

/// <summary>Compares an entry with what the sample order asks for, and says as exactly as the digest allows what was fed instead.</summary>
internal static class LedgerDifference
{
    /// <param name="where">Names the entry: step, rank, worker.</param>
    /// <param name="entry">What the ledger says.</param>
    /// <param name="ids">What the order asks for.</param>
    /// <param name="hashes">Of these samples, read again.</param>
    /// <returns>Null when they agree.</returns>
    public static string? Explain(string where, LedgerEntry entry, ImmutableArray<long> ids, ImmutableArray<ulong> hashes)
    {
        var expected = hashes.Aggregate(SampleDigest.Empty, (digest, hash) => digest.Add(hash));
        if (entry.SampleCount == ids.Length && entry.Digest == expected)
        {
            return null;
        }

        var surplus = unchecked(entry.Digest.Sum - expected.Sum);
        return (entry.SampleCount - ids.Length) switch
        {
            1 when Find(ids, hashes, surplus) is { } doubled => $"{where} was fed sample {doubled} twice.",
            -1 when Find(ids, hashes, unchecked(0 - surplus)) is { } missing => $"{where} was not fed sample {missing}, which is missing.",
            0 when surplus == 0 => $"{where} was fed its {ids.Length} samples in another order.",
            0 when FindPair(ids, hashes, surplus) is var (doubled, missing) => $"{where} was fed sample {doubled} twice, and sample {missing} is missing.",
            0 => $"{where} was fed other samples or other bytes than {Range(ids)}: its digest is {entry.Digest}, and {expected} was expected.",
            _ => $"{where} was fed {entry.SampleCount} samples, and {ids.Length} were expected.",
        };
    }

    private static long? Find(ImmutableArray<long> ids, ImmutableArray<ulong> hashes, ulong hash) => hashes.IndexOf(hash) is >= 0 and var i ? ids[i] : null;

    private static (long Doubled, long Missing)? FindPair(ImmutableArray<long> ids, ImmutableArray<ulong> hashes, ulong surplus)
    {
        for (var i = 0; i < hashes.Length; i++)
        {
            if (Find(ids, hashes, unchecked(hashes[i] - surplus)) is { } missing)
            {
                return (ids[i], missing);
            }
        }

        return null;
    }

    private static string Range(ImmutableArray<long> ids) => ids.Length <= 8 ? $"samples {string.Join(", ", ids)}" : $"samples {string.Join(", ", ids.Take(8))}, ...";
}
