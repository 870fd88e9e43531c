using System.Net.Sockets;
using Npgsql;

namespace Orchestrator.Storage.Relational;

/// <summary>PostgreSQL: shared by several coordinators. READ COMMITTED with row locks; its clock decides when a lease lapses.</summary>
internal sealed class PostgresDialect(StoreAddress address) : StoreDialect
{
    /// <summary>Any number; all programs that change this schema use the same.</summary>
    private const long SchemaLock = 7_070_104_118;

    /// <summary>The server ended a transaction that stood still, and its connection.</summary>
    private const string IdleInTransaction = "25P03";

    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(address.ConnectionString);

    /// <summary>Not now(): that is the time at which the transaction began, and a row lock may have been waited for since.</summary>
    protected override string Now => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";

    protected override string RowLock => "FOR UPDATE";

    public override string TableExists => "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = @0";

    public override async Task<StoreSession> BeginAsync(bool isWriting, CancellationToken cancellation)
    {
        NpgsqlConnection? connection = null;
        try
        {
            connection = await _source.OpenConnectionAsync(cancellation).ConfigureAwait(false);
            return new StoreSession(connection, await connection.BeginTransactionAsync(cancellation).ConfigureAwait(false), this);
        }
        catch (Exception e)
        {
            if (connection is not null)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
            }

            throw Explain(e);
        }
    }

    public override Task LockSchemaAsync(StoreSession session, CancellationToken cancellation) =>
        session.QueryAsync("SELECT 1 FROM pg_advisory_xact_lock(@0)", _ => 0, cancellation, SchemaLock);

    public override Exception Explain(Exception cause) => cause switch
    {
        PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled } e =>
            new StoreException(StoreFailure.Busy, $"The store {address} was busy: {e.MessageText}. Others hold its locks; pg_stat_activity shows them.", e),
        PostgresException { SqlState: ['2', '8', ..] or PostgresErrorCodes.InsufficientPrivilege } e =>
            new StoreException(StoreFailure.NotAllowed, $"The store {address} does not let this user in: {e.MessageText}. Check the user, its password and its rights.", e),
        PostgresException { SqlState: PostgresErrorCodes.InvalidCatalogName } e =>
            new StoreException(StoreFailure.NotAllowed, $"The store {address} is not there: {e.MessageText}. Make it with createdb.", e),
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } e =>
            new StoreException(StoreFailure.Device, $"The disk under the store {address} is full: {e.MessageText}. Free some room there.", e),
        PostgresException { SqlState: ['5', '7', ..] or ['5', '3', ..] or ['0', '8', ..] or IdleInTransaction } e => Lost(e),
        PostgresException e => new StoreException(StoreFailure.Internal, $"The store {address} did not take a statement: {e.MessageText} ({e.SqlState}).", e),
        NpgsqlException or SocketException or TimeoutException or IOException => Lost(cause),
        // A broken connection shows as this when the next statement is sent on it.
        ObjectDisposedException or InvalidOperationException { Source: "Npgsql" } => Lost(cause),
        _ => cause,
    };

    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    private StoreException Lost(Exception cause) => new(
        StoreFailure.Unavailable, $"The store {address} does not answer: {cause.Message} Check that PostgreSQL runs there and can be reached.", cause);
}
