using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Core.Sampling;

namespace Orchestrator.Core.Ledger;

/// <summary>Proves that a ledger's runs used every sample once an epoch: each step once, each rank with the samples of the order, as they are read again.</summary>
/// <remarks>
/// Records are given in the file's order. Of each lineage the steps above a later one's start are abandoned and skipped; of what is left, steps
/// must follow each other without a gap. After the first problem nothing more is looked at. One thread.
/// </remarks>
public sealed class LedgerAudit
{
    /// <summary>Steps that may wait for a rank: a worker's late report is stored behind a few newer steps.</summary>
    public const int MaxOpenSteps = 1000;

    private readonly ImmutableArray<LineageSpan> _lineages;
    private readonly Func<ImmutableArray<long>, long, ImmutableArray<ulong>> _hashesOf;
    private readonly SortedDictionary<long, SortedDictionary<int, (LedgerEntry Entry, FedReport Report)>> _open = [];
    private int _current = -1;
    private SampleOrder? _order;
    private EpochCoverage? _coverage;

    /// <param name="lineages">All of the ledger.</param>
    /// <param name="hashesOf">Reads samples again: ids, epoch, to one hash each.</param>
    public LedgerAudit(IEnumerable<LedgerRecord.Lineage> lineages, Func<ImmutableArray<long>, long, ImmutableArray<ulong>> hashesOf)
    {
        (_lineages, _hashesOf) = (LineageSpan.Of(lineages), hashesOf);
        FirstStep = LastStep = _lineages.IsEmpty ? 0 : _lineages[0].StartStep;
    }

    /// <summary>Steps that the ledger's first lineage held at its start: those are another ledger's to prove.</summary>
    public long FirstStep { get; }

    /// <summary>The last step that is verified.</summary>
    public long LastStep { get; private set; }

    public long StepsVerified => LastStep - FirstStep;

    /// <summary>Samples of these steps.</summary>
    public long SamplesVerified { get; private set; }

    /// <summary>The first thing that is wrong; null: nothing so far.</summary>
    public string? Problem { get; private set; }

    public void Take(LedgerRecord record) => Problem ??= record switch
    {
        LedgerRecord.Lineage lineage => Enter(lineage),
        LedgerRecord.Fed fed => Hear(fed),
        _ => throw new ArgumentOutOfRangeException(nameof(record), record.GetType().Name, "The audit does not know this record."),
    };

    /// <summary>The file has no more records.</summary>
    /// <param name="ranSteps">The step after which the run ended, if it has; null: it still runs, or was cut off.</param>
    public void End(long? ranSteps)
    {
        Problem ??= _current < 0 ? "The ledger is empty: no run has begun in it."
            : Gap(Math.Max(ranSteps ?? 0, _open.Count == 0 ? 0 : _open.Keys.Last()), ranSteps is null ? "the ledger goes on behind it" : $"the run ended after step {ranSteps}");
    }

    private string? Enter(LedgerRecord.Lineage lineage)
    {
        if (_current >= 0)
        {
            var former = _lineages[_current];
            if (lineage.Number != former.Lineage.Number + 1)
            {
                return $"Lineage {lineage.Number} follows lineage {former.Lineage.Number}; {former.Lineage.Number + 1} was expected.";
            }

            if (lineage.Start with { Run = former.Lineage.Start.Run, Step = former.StartStep, Epochs = former.Lineage.Start.Epochs } != former.Lineage.Start)
            {
                return $"Lineage {lineage.Number} has another seed, batch, number of logical ranks or data set than lineage {former.Lineage.Number}.";
            }

            if (Gap(Math.Min(lineage.Start.Step, former.EndStep), $"lineage {lineage.Number} starts behind step {lineage.Start.Step}") is { } gap)
            {
                return gap;
            }
        }

        var start = lineage.Start;
        _current++;
        _order = new SampleOrder(start.Seed, start.SampleCount, start.GlobalBatch, start.LogicalRanks, start.Epochs);
        _coverage ??= new EpochCoverage(start.SampleCount);
        return null;
    }

    private string? Hear(LedgerRecord.Fed fed)
    {
        var report = fed.Report;
        if (_current < 0)
        {
            return $"Step {report.Step} stands before the first lineage.";
        }

        var span = _lineages[_current];
        var number = span.Lineage.Number;
        if (fed.LineageNumber != number)
        {
            return $"{Where(report, report.Entries[0])} is of lineage {fed.LineageNumber}, "
                + (fed.LineageNumber < number ? $"which was abandoned above step {span.StartStep} when lineage {number} began; it may not be used." : $"which has not begun; lineage {number} is in force.");
        }

        if (report.Step <= span.StartStep)
        {
            return $"{Where(report, report.Entries[0])} is of lineage {number}, which starts behind step {span.StartStep}.";
        }

        if (report.Step > span.EndStep)
        {
            return null;
        }

        foreach (var entry in report.Entries)
        {
            if (Open(report, entry) is { } problem)
            {
                return problem;
            }
        }

        while (_open.TryGetValue(LastStep + 1, out var ranks) && ranks.Count == _order!.LogicalRanks)
        {
            if (Verify(LastStep + 1, ranks) is { } problem)
            {
                return problem;
            }

            _open.Remove(++LastStep);
            SamplesVerified = _coverage!.Samples;
        }

        return _open.Count > MaxOpenSteps ? Gap(_open.Keys.Last(), "the ledger goes on behind it") : null;
    }

    private string? Open(FedReport report, LedgerEntry entry)
    {
        if (entry.LogicalRank < 0 || entry.LogicalRank >= _order!.LogicalRanks)
        {
            return $"{Where(report, entry)} is none of the {_order!.LogicalRanks} logical ranks.";
        }

        if (entry.Step > (_order.StepsOfEpochs ?? long.MaxValue))
        {
            return $"{Where(report, entry)} lies behind the last step of the run, {_order.StepsOfEpochs}.";
        }

        if (entry.Step <= LastStep)
        {
            return $"{Where(report, entry)} is a repetition: step {entry.Step} stands in the ledger already.";
        }

        if (!_open.TryGetValue(entry.Step, out var ranks))
        {
            _open[entry.Step] = ranks = [];
        }

        return ranks.TryAdd(entry.LogicalRank, (entry, report))
            ? null
            : $"{Where(report, entry)} is a repetition: {ranks[entry.LogicalRank].Report.Worker} in {ranks[entry.LogicalRank].Report.Generation} has fed it already.";
    }

    private string? Verify(long step, SortedDictionary<int, (LedgerEntry Entry, FedReport Report)> ranks)
    {
        foreach (var (rank, (entry, report)) in ranks)
        {
            // The order counts steps from 0.
            var share = _order!.Share(step - 1, rank);
            var ids = ImmutableArray.CreateBuilder<long>(share.Count);
            for (var position = share.First; position < share.End; position++)
            {
                ids.Add(_order.SampleAt(position));
                if (_coverage!.Add(_order, position, ids[^1]) is { } problem)
                {
                    return problem;
                }
            }

            var wanted = ids.MoveToImmutable();
            var hashes = wanted.IsEmpty ? [] : _hashesOf(wanted, _order.EpochOf(share.First));
            if (LedgerDifference.Explain(Where(report, entry), entry, wanted, hashes) is { } difference)
            {
                return difference;
            }
        }

        return null;
    }

    /// <returns>Null when every step up to this one is verified.</returns>
    private string? Gap(long lastStep, string why)
    {
        var step = LastStep + 1;
        if (step > lastStep)
        {
            return null;
        }

        if (!_open.TryGetValue(step, out var ranks))
        {
            var next = _open.Count == 0 ? lastStep + 1 : Math.Min(_open.Keys.First(), lastStep + 1);
            return step == next - 1 ? $"Step {step} is missing: {why}." : $"Steps {step} to {next - 1} are missing: {why}.";
        }

        var missing = Enumerable.Range(0, _order!.LogicalRanks).Where(rank => !ranks.ContainsKey(rank)).ToArray();
        return $"Step {step} lacks logical rank{(missing.Length == 1 ? "" : "s")} {string.Join(", ", missing)}: {why}.";
    }

    private static string Where(FedReport report, LedgerEntry entry) =>
        string.Create(CultureInfo.InvariantCulture, $"Step {entry.Step}, logical rank {entry.LogicalRank} ({report.Worker}, {report.Generation})");
}
