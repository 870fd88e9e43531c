using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Storage;
using Orchestrator.Storage.Files;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>A run's ledger as its owner writes it: one piece behind the other, each once, whatever fails between.</summary>
/// <remarks>One thread at a time. Closed after a failure, for a disk that was away may need it opened anew.</remarks>
internal sealed class LedgerFile : IDisposable
{
    private readonly KeptFile<LedgerWriter> _file;
    private readonly string _path;
    private long _written;
    private long? _endBytes;

    /// <param name="path">Of the ledger; it was looked at when the folder was taken.</param>
    /// <param name="mayWrite">Asked whenever it has been opened.</param>
    public LedgerFile(string path, Func<bool> mayWrite) =>
        (_path, _file) = (path, new KeptFile<LedgerWriter>(() => LedgerWriter.Open(path, isChecked: false, mayWrite, _endBytes)));

    /// <param name="effect">What to write.</param>
    /// <param name="former">The ledger of the run whose checkpoint is gone on from; null: there is none.</param>
    /// <returns>Null: what it follows is not written, so neither is this.</returns>
    /// <exception cref="ObjectDisposedException">The run is over.</exception>
    public LedgerAnswer? Write(RunEffect.AppendLedger effect, string? former)
    {
        if (effect.After > _written)
        {
            return null;
        }

        string? notice = null;
        try
        {
            foreach (var write in effect.Writes.Where(write => write.Number > _written))
            {
                var file = Open();
                if (write.Start is null)
                {
                    file.Append(write.Reports);
                }
                else
                {
                    notice = Begin(file, write, former);
                }

                (_written, _endBytes) = (write.Number, file.EndBytes);
            }

            return new LedgerAnswer(_written, null, notice);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Close();
            return new LedgerAnswer(_written, Describe(e), notice);
        }
    }

    /// <inheritdoc cref="LedgerWriter.Sync"/>
    /// <exception cref="IOException">It is not.</exception>
    public void Sync() => Open().Sync();

    /// <summary>Until it is written to again.</summary>
    public void Close() => _file.Close();

    public void Dispose() => _file.Dispose();

    private LedgerWriter Open()
    {
        var file = _file.Open();
        _endBytes = file.EndBytes;
        return file;
    }

    /// <returns>What a person should know: no time and no room on the disk mends another run's ledger, so it is not waited for.</returns>
    private static string? Begin(LedgerWriter file, LedgerWrite write, string? former)
    {
        try
        {
            file.Begin(write.Start!, former);
            return null;
        }
        catch (StorageException e) when (e.Failure == StorageFailure.Corrupt && e.Path == former)
        {
            file.Begin(write.Start!, null);
            return $"The ledger of the run that is gone on from cannot be taken over, so this one proves the steps behind {write.Start!.Step} only: {e.Message}";
        }
    }

    private string Describe(Exception cause)
    {
        var known = StorageException.From(cause, "Writing the ledger", _path, freeBytes: LocalFileSystem.Instance.FreeBytes(Path.GetDirectoryName(_path)!));

        // The cure of a full disk is told in words of checkpoints.
        return known.Failure == StorageFailure.DiskFull ? $"{known.Message[..^known.Cure.Length]}Free some room on that disk." : known.Message;
    }
}

/// <summary>What became of a write of the ledger.</summary>
/// <param name="Written">Everything up to this number is in the file.</param>
/// <param name="Problem">Why the rest is not, in sentences; null: nothing is left.</param>
/// <param name="Notice">What a person should know besides; null: nothing.</param>
internal sealed record LedgerAnswer(long Written, string? Problem, string? Notice);
