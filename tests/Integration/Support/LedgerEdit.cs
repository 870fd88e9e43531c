using System.Buffers;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>A copy of a run's folder without its checkpoints, whose ledger says something else.</summary>
internal static class LedgerEdit
{
    /// <param name="run">The run's folder.</param>
    /// <param name="copy">A folder that does not exist.</param>
    /// <param name="edit">The records of the run, to those of the copy.</param>
    /// <returns>The copy.</returns>
    public static string Copy(string run, string copy, Func<IEnumerable<LedgerRecord>, IEnumerable<LedgerRecord>> edit)
    {
        Directory.CreateDirectory(copy);
        foreach (var file in Directory.EnumerateFiles(run))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        var bytes = new ArrayBufferWriter<byte>();
        bytes.Write(LedgerCodec.Magic);
        foreach (var record in edit(LedgerReader.Read(PathOf(run)).ToList()))
        {
            LedgerCodec.Write(record, bytes);
        }

        File.WriteAllBytes(PathOf(copy), bytes.WrittenSpan.ToArray());
        return copy;
    }

    public static string PathOf(string run) => Path.Combine(run, LedgerReader.FileName);

    public static long StepOf(LedgerRecord record) => record is LedgerRecord.Fed fed ? fed.Report.Step : 0;

    /// <summary>One entry of the records is another.</summary>
    public static Func<IEnumerable<LedgerRecord>, IEnumerable<LedgerRecord>> Change(long step, int rank, Func<LedgerEntry, LedgerEntry> change) =>
        records => records.Select(record => record is LedgerRecord.Fed fed && fed.Report.Step == step
            ? fed with { Report = fed.Report with { Entries = [.. fed.Report.Entries.Select(entry => entry.LogicalRank == rank ? change(entry) : entry)] } }
            : record);
}
