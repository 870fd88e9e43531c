using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Sampling;

namespace Orchestrator.Core.Tests.Ledger;

/// <summary>A run whose samples are words instead of tensors: what its workers feed, and what a reader gets.</summary>
internal static class FedRun
{
    public const int LogicalRanks = 4;
    public const int GlobalBatch = 10;
    public const int Samples = 23;

    public static readonly LedgerStart Start = new(new RunId("run"), 0, 7, GlobalBatch, LogicalRanks, null, Samples, "abcd");

    public static readonly SampleOrder Order = new(Start.Seed, Start.SampleCount, GlobalBatch, LogicalRanks, null);

    public static LedgerRecord.Lineage Lineage(int number, long step) => new(number, Start with { Step = step });

    /// <summary>Workers w-1 and w-2 with half of the ranks each.</summary>
    /// <param name="step">From 1 on.</param>
    public static IEnumerable<LedgerRecord> Step(long step, int lineage = 0) => new[] { 1, 2 }.Select(worker => (LedgerRecord)new LedgerRecord.Fed(
        lineage, new FedReport(new Generation(1), WorkerId.FromNumber(worker), [.. Enumerable.Range((worker - 1) * 2, 2).Select(rank => Entry(step, rank))])));

    public static IEnumerable<LedgerRecord> Steps(long first, long last, int lineage = 0)
    {
        for (var step = first; step <= last; step++)
        {
            foreach (var record in Step(step, lineage))
            {
                yield return record;
            }
        }
    }

    public static LedgerEntry Entry(long step, int rank) => Entry(step, rank, Ids(step, rank));

    public static LedgerEntry Entry(long step, int rank, IEnumerable<long> ids)
    {
        var fed = ids.ToImmutableArray();
        return new LedgerEntry(step, rank, fed.Length, Hashes(fed, 0).Aggregate(SampleDigest.Empty, (digest, hash) => digest.Add(hash)));
    }

    /// <summary>What a rank is to be fed.</summary>
    public static ImmutableArray<long> Ids(long step, int rank)
    {
        var share = Order.Share(step - 1, rank);
        return [.. Enumerable.Range(0, share.Count).Select(i => Order.SampleAt(share.First + i))];
    }

    public static ImmutableArray<ulong> Hashes(ImmutableArray<long> ids, long epoch) => [.. ids.Select(id => StreamSeed.Mix((ulong)id + 1))];

    /// <summary>The audit after all these records.</summary>
    public static LedgerAudit Audit(IEnumerable<LedgerRecord> records, long? ranSteps = null)
    {
        var all = records.ToList();
        var audit = new LedgerAudit(all.OfType<LedgerRecord.Lineage>(), Hashes);
        all.ForEach(audit.Take);
        audit.End(ranSteps);
        return audit;
    }
}
