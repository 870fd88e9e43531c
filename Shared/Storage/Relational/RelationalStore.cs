namespace Orchestrator.Storage.Relational;

/// <summary>The coordinators' store: leases, runs and their history, in SQLite or PostgreSQL. Any thread; each request is one short transaction.</summary>
public sealed class RelationalStore : IAsyncDisposable
{
    private readonly StoreDialect _dialect;

    private RelationalStore(StoreAddress address, StoreDialect dialect)
    {
        (Address, _dialect) = (address, dialect);
        (Leases, Runs, Pools, History) = (new LeaseTable(this), new RunTable(this), new PoolTable(this), new HistoryTable(this));
    }

    public StoreAddress Address { get; }

    public LeaseTable Leases { get; }

    public RunTable Runs { get; }

    public PoolTable Pools { get; }

    public HistoryTable History { get; }

    /// <summary>Connects and brings the schema up to date. Safe when several programs do it at once.</summary>
    /// <exception cref="StoreException">It cannot be reached, may not be written, or is of a newer program.</exception>
    public static async Task<RelationalStore> OpenAsync(StoreAddress address, CancellationToken cancellation = default)
    {
        StoreDialect dialect = address.IsPostgres ? new PostgresDialect(address) : new SqliteDialect(address);
        var store = new RelationalStore(address, dialect);
        try
        {
            await store.WriteAsync(
                async session =>
                {
                    await Migrations.RunAsync(session, cancellation).ConfigureAwait(false);
                    return 0;
                }, cancellation).ConfigureAwait(false);
            return store;
        }
        catch
        {
            await dialect.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask DisposeAsync() => _dialect.DisposeAsync();

    /// <summary>Carries out a transaction and commits it.</summary>
    /// <param name="act">What it does.</param>
    /// <param name="cancellation">Ends the wait; whether it was committed is not known then.</param>
    /// <param name="commits">Whether an answer is to be committed; null: any is.</param>
    internal async Task<T> WriteAsync<T>(Func<StoreSession, Task<T>> act, CancellationToken cancellation, Func<T, bool>? commits = null)
    {
        var session = await _dialect.BeginAsync(isWriting: true, cancellation).ConfigureAwait(false);
        try
        {
            await using (session.ConfigureAwait(false))
            {
                var answer = await act(session).ConfigureAwait(false);
                if (commits?.Invoke(answer) ?? true)
                {
                    await session.CommitAsync(cancellation).ConfigureAwait(false);
                }

                return answer;
            }
        }
        catch (Exception e) when (_dialect.Explain(e) is StoreException known && known != e)
        {
            throw known;
        }
    }

    internal async Task<T> ReadAsync<T>(Func<StoreSession, Task<T>> act, CancellationToken cancellation)
    {
        var session = await _dialect.BeginAsync(isWriting: false, cancellation).ConfigureAwait(false);
        try
        {
            await using (session.ConfigureAwait(false))
            {
                return await act(session).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (_dialect.Explain(e) is StoreException known && known != e)
        {
            throw known;
        }
    }
}
