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
    private readonly Stream _file;
    private readonly string _path;
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private LedgerRecord.Lineage? _last;
    private bool _isTorn;
    private bool _isBegun;
    private long _highestStep;

    /// <param name="path">For comparisons.</param>
    /// <param name="file">Stands at its end; disposed of with this.</param>
    /// <param name="last">The present lineage; null: none has begun.</param>
    internal LedgerWriter(string path, Stream file, LedgerRecord.Lineage? last) => (_path, _file, _last, EndBytes) = (path, file, last, file.Position);

    /// <summary>Up to here the file is whole. What stands behind it, when a write has failed, counts for nothing and is cut off before the next one.</summary>
    public long EndBytes { get; private set; }

    /// <summary>Opens for appending; makes the file when it is missing, and cuts off a torn last record.</summary>
    /// <param name="path">In a folder that is there.</param>
    /// <param name="isChecked">Every record is looked at first; false: only the last ones, for a run that must go on at once.</param>
    /// <param name="mayWrite">Asked when the file is open and nothing of it is changed yet: one that was frozen may have opened what took its file's place. Null: always.</param>
    /// <param name="endBytes"><see cref="EndBytes"/> of the writer that wrote last, which was this process's: whole records behind it may be of a write that failed, and are cut off. Null: there is none.</param>
    /// <exception cref="StorageException">A record in the middle is damaged, or the file is no ledger.</exception>
    /// <exception cref="IOException">The folder is missing, the file cannot be written, or it may not be.</exception>
    public static LedgerWriter Open(string path, bool isChecked = true, Func<bool>? mayWrite = null, long? endBytes = null)
    {
        if (endBytes is { } known && File.Exists(path) && new FileInfo(path).Length > known)
        {
            using var longer = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0);
            if (mayWrite?.Invoke() != false)
            {
                longer.SetLength(known);
            }
        }

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
                writer.Write(() => writer._buffer.Write(LedgerCodec.Magic));
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
    /// <exception cref="IOException">It was not written, and nothing of it counts; or <paramref name="former"/> is damaged.</exception>
    public void Begin(LedgerStart start, string? former)
    {
        if (_isBegun && start.Step >= _highestStep)
        {
            return;
        }

        LedgerRecord.Lineage? begun = null;
        Write(() =>
        {
            var last = _last;
            if (last is null && start.Step > 0 && former is not null && File.Exists(former) && Path.GetFullPath(former) != Path.GetFullPath(_path))
            {
                last = Copy(former, start.Step);
            }

            begun = new LedgerRecord.Lineage(last is null ? 0 : last.Number + 1, start);
            LedgerCodec.Write(begun, _buffer);
        });
        (_last, _isBegun, _highestStep) = (begun, true, start.Step);
    }

    /// <summary>Stores reports in the present lineage.</summary>
    /// <exception cref="IOException">They were not written, and nothing of them counts.</exception>
    public void Append(IReadOnlyCollection<FedReport> reports)
    {
        var lineage = _last ?? throw new InvalidOperationException("A ledger's first record is its lineage; Begin was not called.");
        Write(() =>
        {
            foreach (var report in reports)
            {
                LedgerCodec.Write(new LedgerRecord.Fed(lineage.Number, report), _buffer);
            }
        });
        _highestStep = Math.Max(_highestStep, reports.Count == 0 ? 0 : reports.Max(report => report.Step));
    }

    /// <summary>Returns when everything appended is on the device.</summary>
    public void Sync() => (_file as FileStream)?.Flush(flushToDisk: true);

    public void Dispose() => _file.Dispose();

    /// <summary>What counts of another run's ledger up to a step, so that this one proves the whole way to its weights.</summary>
    /// <returns>Its last lineage.</returns>
    private LedgerRecord.Lineage? Copy(string former, long lastStep)
    {
        LedgerRecord.Lineage? last = null;
        var spans = LineageSpan.Of(LedgerReader.Read(former).OfType<LedgerRecord.Lineage>()).ToDictionary(span => span.Lineage.Number);
        foreach (var record in LedgerReader.Read(former))
        {
            switch (record)
            {
                case LedgerRecord.Lineage lineage:
                    last = lineage;
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

        return last;
    }

    /// <summary>All that is put into the buffer, or nothing. A disk may take a part of it, and may not even let that be cut off again.</summary>
    private void Write(Action fill)
    {
        if (_isTorn)
        {
            CutOff();
        }

        try
        {
            fill();
            WriteOut();
            EndBytes = _file.Position;
        }
        catch
        {
            _isTorn = true;
            _buffer.ResetWrittenCount();
            try
            {
                CutOff();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next write tries it again.
            }

            throw;
        }
    }

    private void CutOff()
    {
        _file.SetLength(EndBytes);
        _file.Seek(EndBytes, SeekOrigin.Begin);
        _isTorn = false;
    }

    private void WriteOut()
    {
        _file.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
    }
}
