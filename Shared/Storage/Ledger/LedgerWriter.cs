using System.Buffers;
using Orchestrator.Core.Ledger;

namespace Orchestrator.Storage.Ledger;

/// <summary>Appends to a ledger's file: the records of a commit are one write, and no memory is kept.</summary>
/// <remarks>
/// Whoever kills the process tears at most the last write, which readers ignore and the next writer cuts off. What a power cut may take lies
/// behind the last <see cref="Sync"/>: called with every checkpoint, so that a run which goes on from one has all entries before it. One thread.
/// </remarks>
public sealed class LedgerWriter : IDisposable
{
    private readonly FileStream _file;
    private readonly string _path;
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private LedgerRecord.Lineage? _last;
    private bool _isBegun;
    private long _highestStep;

    private LedgerWriter(string path, FileStream file, LedgerRecord.Lineage? last) => (_path, _file, _last) = (path, file, last);

    /// <summary>Opens for appending; makes the file when it is missing, and cuts off a torn last record.</summary>
    /// <param name="path">In a folder that is there.</param>
    /// <param name="isChecked">Every record is looked at first; false: only the last ones, for a run that must go on at once.</param>
    /// <param name="mayWrite">Asked when the file is open and nothing of it is changed yet: one that was frozen may have opened what took its file's place. Null: always.</param>
    /// <exception cref="StorageException">A record in the middle is damaged, or the file is no ledger.</exception>
    /// <exception cref="IOException">The folder is missing, the file cannot be written, or it may not be.</exception>
    public static LedgerWriter Open(string path, bool isChecked = true, Func<bool>? mayWrite = null)
    {
        // Cut off within the first bytes: there was no record yet.
        var isNew = !File.Exists(path) || new FileInfo(path).Length < LedgerCodec.Magic.Length;
        if (!isNew && isChecked)
        {
            _ = LedgerReader.FindEnd(path);
        }

        var (end, last, _) = isNew ? new LedgerEnd(0, null, []) : LedgerEnd.Read(path, steps: 1);
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            if (mayWrite?.Invoke() == false)
            {
                throw new IOException($"{path} may not be written any more: another process does that now.");
            }

            file.SetLength(end);
            file.Seek(0, SeekOrigin.End);
            var writer = new LedgerWriter(path, file, last);
            if (isNew)
            {
                writer._buffer.Write(LedgerCodec.Magic);
                writer.WriteOut();
            }

            return writer;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Members begin to train behind a step: with the first generation of a run, or when steps are taken again, a new lineage begins.</summary>
    /// <param name="start">Where, and with which job and data.</param>
    /// <param name="former">The ledger of the run whose checkpoint is gone on from; null: it is this one, or there is none.</param>
    public void Begin(LedgerStart start, string? former)
    {
        if (_isBegun && start.Step >= _highestStep)
        {
            return;
        }

        if (_last is null && start.Step > 0 && former is not null && File.Exists(former) && Path.GetFullPath(former) != Path.GetFullPath(_path))
        {
            Copy(former, start.Step);
        }

        _last = new LedgerRecord.Lineage(_last is null ? 0 : _last.Number + 1, start);
        (_isBegun, _highestStep) = (true, start.Step);
        LedgerCodec.Write(_last, _buffer);
        WriteOut();
    }

    /// <summary>Stores reports in the present lineage.</summary>
    /// <exception cref="IOException">They were not written, and nothing of them is in the file.</exception>
    public void Append(IReadOnlyCollection<FedReport> reports)
    {
        var lineage = _last ?? throw new InvalidOperationException("A ledger's first record is its lineage; Begin was not called.");
        foreach (var report in reports)
        {
            LedgerCodec.Write(new LedgerRecord.Fed(lineage.Number, report), _buffer);
            _highestStep = Math.Max(_highestStep, report.Step);
        }

        WriteOut();
    }

    /// <summary>Returns when everything appended is on the device.</summary>
    public void Sync() => _file.Flush(flushToDisk: true);

    public void Dispose() => _file.Dispose();

    /// <summary>What counts of another run's ledger up to a step, so that this one proves the whole way to its weights.</summary>
    private void Copy(string former, long lastStep)
    {
        var spans = LineageSpan.Of(LedgerReader.Read(former).OfType<LedgerRecord.Lineage>()).ToDictionary(span => span.Lineage.Number);
        foreach (var record in LedgerReader.Read(former))
        {
            switch (record)
            {
                case LedgerRecord.Lineage lineage:
                    _last = lineage;
                    break;
                case LedgerRecord.Fed fed when fed.Report.Step > lastStep || fed.Report.Step > spans[fed.LineageNumber].EndStep:
                    continue;
            }

            LedgerCodec.Write(record, _buffer);
            if (_buffer.WrittenCount >= LedgerCodec.MaxPayloadBytes)
            {
                WriteOut();
            }
        }
    }

    private void WriteOut()
    {
        var start = _file.Position;
        try
        {
            _file.Write(_buffer.WrittenSpan);
        }
        catch (IOException)
        {
            _file.SetLength(start);
            _file.Seek(start, SeekOrigin.Begin);
            throw;
        }
        finally
        {
            _buffer.ResetWrittenCount();
        }
    }
}
