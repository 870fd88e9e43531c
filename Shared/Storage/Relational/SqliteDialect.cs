using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Orchestrator.Storage.Relational;

/// <summary>SQLite: one file, one writer at a time, readers beside it (write-ahead log). What was committed is on the disk (synchronous=FULL).</summary>
/// <remarks>The driver has no asynchronous I/O: its calls block the thread for the length of one short transaction.</remarks>
internal sealed class SqliteDialect(StoreAddress address) : StoreDialect
{
    /// <summary>SQLite has one clock: that of the host on which the file is.</summary>
    protected override string Now => "CAST(ROUND(unixepoch('subsec') * 1000) AS INTEGER)";

    /// <summary>A writing transaction locks the whole file.</summary>
    protected override string RowLock => "";

    public override string TableExists => "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = @0";

    public override Task<StoreSession> BeginAsync(bool isWriting, CancellationToken cancellation) => Task.Run(
        async () =>
        {
            var connection = new SqliteConnection(address.ConnectionString);
            try
            {
                await connection.OpenAsync(cancellation).ConfigureAwait(false);
                var setting = connection.CreateCommand();
                await using (setting.ConfigureAwait(false))
                {
                    // The journal's mode is the file's and stays; the other is the connection's.
                    setting.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
                    await setting.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
                }

                // Not deferred: a transaction that reads before it writes would fail at once when another one writes between.
                return new StoreSession(connection, connection.BeginTransaction(deferred: !isWriting), this);
            }
            catch (Exception e)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw Explain(e);
            }
        }, cancellation);

    /// <summary>The transaction is the only one that writes.</summary>
    public override Task LockSchemaAsync(StoreSession session, CancellationToken cancellation) => Task.CompletedTask;

    public override Exception Explain(Exception cause) => cause is not SqliteException error ? cause : error.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new StoreException(
            StoreFailure.Busy, $"The store {address} was locked by others for too long: {error.Message} End programs that keep it open (fuser shows them).", error),
        raw.SQLITE_CANTOPEN => new StoreException(
            StoreFailure.NotAllowed, $"The store {address} cannot be opened: {error.Message} Check that its folder is there and may be written.", error),
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH => new StoreException(
            StoreFailure.NotAllowed, $"The store {address} may not be written: {error.Message} Give this user write access to the file and its folder.", error),
        raw.SQLITE_FULL or raw.SQLITE_IOERR => new StoreException(
            StoreFailure.Device, $"The disk under the store {address} failed: {error.Message} Free some room or check the disk, then start again.", error),
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => new StoreException(
            StoreFailure.Device, $"The store {address} is damaged or is no SQLite file: {error.Message} Move it away, or restore a copy.", error),
        _ => new StoreException(StoreFailure.Internal, $"The store {address} did not take a statement: {error.Message}", error),
    };

    public override ValueTask DisposeAsync()
    {
        using var connection = new SqliteConnection(address.ConnectionString);
        SqliteConnection.ClearPool(connection);
        return ValueTask.CompletedTask;
    }
}
