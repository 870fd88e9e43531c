using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Ledger;

/// <summary>Reads a ledger's records from its file, through a memory map. A torn tail ends it; damage anywhere else is an error.</summary>
public static class LedgerReader
{
    /// <summary>The ledger's name in a run folder.</summary>
    public const string FileName = "ledger";

    /// <exception cref="StorageException">There is no such file, it is no ledger, or a record is damaged.</exception>
    public static IEnumerable<LedgerRecord> Read(string path)
    {
        using var map = Open(path);
        var end = WholeBytes(map, path);
        for (var offset = (long)LedgerCodec.Magic.Length; offset < end;)
        {
            var (record, bytes, _) = At(map, offset);
            yield return record!;
            offset += bytes;
        }
    }

    /// <summary>Bytes up to the end of the last whole record; behind them lies a torn one, if anything.</summary>
    /// <exception cref="StorageException">There is no such file, it is no ledger, or a record is damaged.</exception>
    public static long FindEnd(string path)
    {
        using var map = Open(path);
        return WholeBytes(map, path);
    }

    internal static IFileMap Open(string path)
    {
        try
        {
            return LocalFileSystem.Instance.Map(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Reading the ledger", path);
        }
    }

    private static long WholeBytes(IFileMap map, string path)
    {
        CheckMagic(map, path);
        return Walk(map, path, LedgerCodec.Magic.Length, _ => { });
    }

    /// <exception cref="StorageException">The file is no ledger.</exception>
    internal static void CheckMagic(IFileMap map, string path)
    {
        var magic = LedgerCodec.Magic;
        if (map.Length < magic.Length || !map.Slice(0, magic.Length).SequenceEqual(magic))
        {
            throw new StorageException(StorageFailure.Corrupt, path, $"{path} does not begin as a ledger does.", "Restore it from a copy, or move it away.");
        }
    }

    /// <returns>The end of the last whole record.</returns>
    /// <param name="map">The file.</param>
    /// <param name="path">For errors.</param>
    /// <param name="offset">Where a record begins.</param>
    /// <param name="visit">Told of each from there on.</param>
    /// <exception cref="StorageException">A record is damaged.</exception>
    internal static long Walk(IFileMap map, string path, long offset, Action<LedgerRecord> visit)
    {
        while (offset < map.Length)
        {
            var (record, bytes, damage) = At(map, offset);
            if (damage is not null)
            {
                throw new StorageException(
                    StorageFailure.Corrupt, path, $"{path} is damaged at byte {offset}: {damage}.", "Restore it from a copy; what stands before it can be trusted.");
            }

            if (record is null)
            {
                break;
            }

            visit(record);
            offset += bytes;
        }

        return offset;
    }

    /// <summary>A window that holds any record, and one byte more: so that the codec knows whether the file ends with it.</summary>
    internal static LedgerParse At(IFileMap map, long offset) => LedgerCodec.Read(
        map.Slice(offset, (int)Math.Min(map.Length - offset, LedgerCodec.HeaderBytes + LedgerCodec.MaxPayloadBytes + 1)));
}
