namespace Orchestrator.Storage.Relational;

/// <summary>What differs between the two databases; all statements are written once.</summary>
internal abstract class StoreDialect : IAsyncDisposable
{
    /// <summary>The store's clock in Unix milliseconds, as an expression. It moves on within a transaction.</summary>
    protected abstract string Now { get; }

    /// <summary>Behind a SELECT: the row stays as it is until the transaction ends.</summary>
    protected abstract string RowLock { get; }

    /// <summary>Opens a transaction in which what was read stays true for the rows that were locked.</summary>
    /// <param name="isWriting">False: nothing is changed, and writers are not waited for.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreException">The store cannot be reached, or is busy.</exception>
    public abstract Task<StoreSession> BeginAsync(bool isWriting, CancellationToken cancellation);

    /// <summary>Held until the transaction ends: of several coordinators that start at once, one changes the schema.</summary>
    public abstract Task LockSchemaAsync(StoreSession session, CancellationToken cancellation);

    /// <summary>A number for a fresh row: whether a table of ours is there.</summary>
    public abstract string TableExists { get; }

    /// <summary>What the driver threw, typed; the same exception when it is none of the driver's.</summary>
    public abstract Exception Explain(Exception cause);

    public abstract ValueTask DisposeAsync();

    public string Translate(string sql) => sql
        .Replace("{now}", Now, StringComparison.Ordinal)
        .Replace("{lock}", RowLock, StringComparison.Ordinal)
        .Replace("@", "@p", StringComparison.Ordinal);
}
