using System.Collections.Immutable;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What was handed on to a run's ledger and is not known to be written, from old to new. While all is well these are the last few steps; while the file cannot be written, all since then.</summary>
public sealed record LedgerBacklog
{
    /// <summary>Entries that wait while the ledger cannot be written: some 40 MB of each run. With eight logical ranks and steps of a tenth of a second these are those of nearly two hours,
    /// in which a person can make room. Beyond, the oldest go, and the run says so.</summary>
    public const int MaxEntries = 500_000;

    /// <summary>Entries of one try, some half a megabyte: a disk that is still full is not asked for all of it, and one that has little room takes what it can.</summary>
    public const int MaxEntriesAtOnce = 16_384;

    public static readonly LedgerBacklog Empty = new();

    public ImmutableList<LedgerWrite> Writes { get; init; } = [];

    /// <summary>Of all of <see cref="Writes"/>.</summary>
    public long EntryCount { get; init; }

    /// <summary>The number of the newest; never used again under this owner.</summary>
    public long LastNumber { get; init; }

    /// <summary>Everything up to this number is written, or was dropped.</summary>
    public long WrittenNumber { get; init; }

    /// <summary>Set while the ledger cannot be written.</summary>
    public LedgerTrouble? Trouble { get; init; }

    /// <summary>The lineage that has begun and is not known to be in the file; null: none.</summary>
    public LedgerStart? UnwrittenStart => Writes.FindLast(write => write.Start is not null)?.Start;

    /// <returns>The step up to which everything is known to be written, and no further than the given one.</returns>
    public long WrittenUpTo(long step) => Writes.IsEmpty ? step : Math.Min(step, Writes.Min(write => write.FirstStep) - 1);

    public LedgerBacklog Add(LedgerStart? start, ImmutableArray<FedReport> reports)
    {
        var write = new LedgerWrite(LastNumber + 1, start, reports);
        return this with { Writes = Writes.Add(write), LastNumber = write.Number, EntryCount = EntryCount + write.EntryCount };
    }

    /// <summary>Everything up to this number is written.</summary>
    public LedgerBacklog Written(long number)
    {
        var first = Writes.FindIndex(write => write.Number > number);
        var gone = first < 0 ? Writes.Count : first;
        return gone == 0 ? this : this with
        {
            Writes = Writes.RemoveRange(0, gone), EntryCount = EntryCount - Writes.GetRange(0, gone).Sum(write => (long)write.EntryCount), WrittenNumber = Math.Max(number, WrittenNumber),
        };
    }

    /// <summary>Drops the oldest entries when there are too many, and says in <see cref="Trouble"/> of which steps. Where a lineage begins is never dropped: what follows belongs to it.</summary>
    public LedgerBacklog Bounded()
    {
        var (backlog, place) = (this, 0);
        while (backlog.EntryCount > MaxEntries && place < backlog.Writes.Count)
        {
            var oldest = backlog.Writes[place];
            if (oldest.Start is not null)
            {
                place++;
                continue;
            }

            backlog = backlog with
            {
                Writes = backlog.Writes.RemoveAt(place), EntryCount = backlog.EntryCount - oldest.EntryCount, Trouble = backlog.Trouble! with { Loss = LedgerLoss.With(backlog.Trouble.Loss, oldest) },
            };
        }

        return backlog;
    }

    /// <summary>What one try is to write.</summary>
    public RunEffect.AppendLedger Next()
    {
        var (some, entries) = (ImmutableArray.CreateBuilder<LedgerWrite>(), 0L);
        foreach (var write in Writes)
        {
            if (some.Count > 0 && entries + write.EntryCount > MaxEntriesAtOnce)
            {
                break;
            }

            some.Add(write);
            entries += write.EntryCount;
        }

        return new RunEffect.AppendLedger(WrittenNumber, some.ToImmutable());
    }
}

/// <summary>One piece of a run's ledger: where a lineage begins, or what was fed.</summary>
/// <param name="Number">1 for the first under this owner, then one more each time.</param>
/// <param name="Start">A lineage begins; null: <paramref name="Reports"/> belong to the present one.</param>
/// <param name="Reports">Of any steps; empty when a lineage begins.</param>
public sealed record LedgerWrite(long Number, LedgerStart? Start, ImmutableArray<FedReport> Reports)
{
    public int EntryCount { get; } = Reports.Sum(report => report.Entries.Length);

    /// <summary>The lowest step that it is about.</summary>
    public long FirstStep { get; } = Start is not null ? Start.Step + 1 : Reports.Min(report => report.Step);

    public long LastStep { get; } = Start is not null ? Start.Step : Reports.Max(report => report.Step);
}

/// <summary>Why a ledger is not written.</summary>
/// <param name="Reason">In sentences, with the path and what to do.</param>
/// <param name="Since">When it was seen.</param>
/// <param name="Tries">That have failed, with the first.</param>
public sealed record LedgerTrouble(string Reason, DateTimeOffset Since, int Tries)
{
    /// <summary>What was dropped meanwhile; null: nothing.</summary>
    public LedgerLoss? Loss { get; init; }
}

/// <summary>Steps of which entries were dropped.</summary>
public sealed record LedgerLoss(long FirstStep, long LastStep)
{
    internal static LedgerLoss With(LedgerLoss? before, LedgerWrite dropped) =>
        new(Math.Min(before?.FirstStep ?? long.MaxValue, dropped.FirstStep), Math.Max(before?.LastStep ?? 0, dropped.LastStep));

    public override string ToString() => FirstStep == LastStep ? $"step {FirstStep}" : $"steps {FirstStep} to {LastStep}";
}
