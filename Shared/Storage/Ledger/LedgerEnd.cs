using System.Collections.Immutable;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Ledger;

/// <summary>The end of a ledger, which is all that whoever goes on with it needs.</summary>
/// <remarks>
/// A ledger has some hundred bytes for each step, and a take-over must not take longer the longer a run has trained: of what stands long before the end only the lengths are
/// read, some nanoseconds a record. Damage there is found by whoever reads the whole ledger.
/// </remarks>
/// <param name="EndBytes">Up to the end of the last whole record.</param>
/// <param name="Lineage">The present one; null: none has begun.</param>
/// <param name="Reports">Of its last steps, in the file's order.</param>
public sealed record LedgerEnd(long EndBytes, LedgerRecord.Lineage? Lineage, ImmutableArray<FedReport> Reports)
{
    /// <summary>Records between two places from which the end may be read: a few kilobytes are kept for a million of them.</summary>
    internal const int MarkEvery = 1024;

    /// <param name="path">Of the ledger.</param>
    /// <param name="steps">Reports of so many steps up to the highest one are wanted; earlier ones may come, too.</param>
    /// <exception cref="StorageException">There is no such file, it is no ledger, or a record near its end is damaged.</exception>
    public static LedgerEnd Read(string path, int steps)
    {
        using var map = LedgerReader.Open(path);
        LedgerReader.CheckMagic(map, path);
        var (lineage, marks) = FindMarks(map);
        for (var (place, back) = (marks.Count - 1, 1); ; (place, back) = (place - back, back * 2))
        {
            var end = ReadFrom(map, path, place >= 0 ? marks[place] : lineage);
            if (place < 0 || end.Reports.IsEmpty || end.Reports[0].Step <= end.Reports.Max(report => report.Step) - steps)
            {
                return end.Lineage is null && place >= 0 ? end with { Lineage = (LedgerRecord.Lineage)LedgerReader.At(map, lineage).Record! } : end;
            }
        }
    }

    /// <summary>Where the last lineage begins, the file's first record when none does, and places behind it. The last record is not among them: it may be torn.</summary>
    private static (long Lineage, List<long> Marks) FindMarks(IFileMap map)
    {
        var (lineage, marks, count) = ((long)LedgerCodec.Magic.Length, new List<long>(), 0L);
        for (var offset = lineage; map.Length - offset > LedgerCodec.HeaderBytes;)
        {
            var (bytes, isLineage) = LedgerCodec.Skip(map.Slice(offset, LedgerCodec.HeaderBytes + 1));
            if (bytes == 0 || offset + bytes >= map.Length)
            {
                break;
            }

            if (isLineage)
            {
                (lineage, count) = (offset, 0);
                marks.Clear();
            }
            else if (++count % MarkEvery == 0)
            {
                marks.Add(offset);
            }

            offset += bytes;
        }

        return (lineage, marks);
    }

    /// <summary>Every record from there on, looked at in full.</summary>
    private static LedgerEnd ReadFrom(IFileMap map, string path, long start)
    {
        var reports = ImmutableArray.CreateBuilder<FedReport>();
        LedgerRecord.Lineage? lineage = null;
        var end = LedgerReader.Walk(map, path, start, record =>
        {
            if (record is LedgerRecord.Lineage begun)
            {
                lineage = begun;
                reports.Clear();
            }
            else
            {
                reports.Add(((LedgerRecord.Fed)record).Report);
            }
        });
        return new LedgerEnd(end, lineage, reports.ToImmutable());
    }
}
