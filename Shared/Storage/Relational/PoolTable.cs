using System.Data.Common;

namespace Orchestrator.Storage.Relational;

/// <summary>What the pool of workers of a lease must not lose with its owner. It is written with the runs, in <see cref="RunTable.WriteAsync"/>.</summary>
public sealed class PoolTable
{
    private readonly RelationalStore _store;

    internal PoolTable(RelationalStore store) => _store = store;

    /// <returns>Null when nothing was stored of it yet.</returns>
    /// <param name="name">Of the pool.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreException">The store failed.</exception>
    public Task<PoolChange?> FindAsync(string name, CancellationToken cancellation = default) => _store.ReadAsync(session => FindAsync(session, name, cancellation), cancellation);

    /// <returns>Null: it is stored.</returns>
    internal static async Task<WriteAnswer?> ApplyAsync(StoreSession session, Ownership ownership, PoolChange change, CancellationToken cancellation)
    {
        var version = (await FindAsync(session, change.Name, cancellation).ConfigureAwait(false))?.Version ?? 0;
        if (version == change.Version)
        {
            return null; // It was stored already; the answer was lost.
        }

        if (version != change.Version - 1)
        {
            return new WriteAnswer.OutOfOrder(change.Name, version, $"Write {change.Version} of the pool {change.Name} came when the store had {version}.");
        }

        await session.ExecuteAsync(
            "INSERT INTO pools (name, snapshot, version, term, changed_at) VALUES (@0, @1, @2, @3, {now}) ON CONFLICT (name) DO UPDATE SET "
            + "snapshot = excluded.snapshot, version = excluded.version, term = excluded.term, changed_at = excluded.changed_at", cancellation,
            change.Name, change.Snapshot, change.Version, ownership.Term).ConfigureAwait(false);
        return null;
    }

    private static Task<PoolChange?> FindAsync(StoreSession session, string name, CancellationToken cancellation) =>
        session.FirstAsync("SELECT name, version, snapshot FROM pools WHERE name = @0", Read, cancellation, name);

    private static PoolChange Read(DbDataReader row) => new(row.GetString(0), row.GetInt64(1), row.GetString(2));
}

/// <summary>What a pool is with one write. It is stored once, however often it is sent.</summary>
/// <param name="Name">That of the lease under which the runs of the pool are owned.</param>
/// <param name="Version">The number of this write: 1 for the first, then one more each time.</param>
/// <param name="Snapshot">The coordinator's business.</param>
public sealed record PoolChange(string Name, long Version, string Snapshot);
