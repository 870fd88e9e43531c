using System.Collections.Immutable;

namespace Orchestrator.Storage.Relational;

/// <summary>Brings a store to the schema of this program. Each migration runs once, in order, all of them in one transaction under a lock.</summary>
internal static class Migrations
{
    /// <summary>Append only: a store in use has run the first ones already. Both databases take these type names.</summary>
    private static readonly ImmutableArray<string> All =
    [
        """
        CREATE TABLE leases (
            name TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            address TEXT NOT NULL,
            term BIGINT NOT NULL,
            expires_at BIGINT NOT NULL);
        CREATE TABLE counters (
            name TEXT PRIMARY KEY,
            value BIGINT NOT NULL);
        CREATE TABLE runs (
            run TEXT PRIMARY KEY,
            number BIGINT NOT NULL UNIQUE,
            run_order TEXT NOT NULL,
            state TEXT NOT NULL,
            is_ended BIGINT NOT NULL,
            generation BIGINT NOT NULL,
            snapshot TEXT NOT NULL,
            version BIGINT NOT NULL,
            term BIGINT NOT NULL,
            owner TEXT NOT NULL,
            events BIGINT NOT NULL,
            submitted_at BIGINT NOT NULL,
            changed_at BIGINT NOT NULL);
        CREATE INDEX runs_by_end ON runs (is_ended, number);
        CREATE TABLE events (
            run TEXT NOT NULL REFERENCES runs (run),
            sequence BIGINT NOT NULL,
            term BIGINT NOT NULL,
            name TEXT NOT NULL,
            line TEXT NOT NULL,
            stored_at BIGINT NOT NULL,
            PRIMARY KEY (run, sequence));
        CREATE TABLE checkpoints (
            run TEXT NOT NULL REFERENCES runs (run),
            step BIGINT NOT NULL,
            path TEXT NOT NULL,
            weights_sha256 TEXT NOT NULL,
            saved_at BIGINT NOT NULL,
            PRIMARY KEY (run, step, path));
        CREATE TABLE samples (
            run TEXT NOT NULL REFERENCES runs (run),
            step BIGINT NOT NULL,
            generation BIGINT NOT NULL,
            loss DOUBLE PRECISION,
            learning_rate DOUBLE PRECISION,
            gradient_norm DOUBLE PRECISION,
            samples_per_second DOUBLE PRECISION,
            step_seconds DOUBLE PRECISION,
            PRIMARY KEY (run, step));
        """,
        "ALTER TABLE leases ADD COLUMN http_address TEXT NOT NULL DEFAULT ''",
        """
        CREATE TABLE pools (
            name TEXT PRIMARY KEY,
            snapshot TEXT NOT NULL,
            version BIGINT NOT NULL,
            term BIGINT NOT NULL,
            changed_at BIGINT NOT NULL);
        """,
    ];

    /// <summary>Versions count from 1; a store without tables has 0.</summary>
    public static int Newest => All.Length;

    /// <exception cref="StoreException">The store is of a newer program, or failed.</exception>
    public static async Task RunAsync(StoreSession session, CancellationToken cancellation)
    {
        await session.Dialect.LockSchemaAsync(session, cancellation).ConfigureAwait(false);
        var isThere = (await session.QueryAsync(session.Dialect.TableExists, row => row.GetInt64(0), cancellation, "schema_versions").ConfigureAwait(false))[0] > 0;
        if (!isThere)
        {
            await session.ExecuteAsync("CREATE TABLE schema_versions (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)", cancellation).ConfigureAwait(false);
        }

        var present = (await session.QueryAsync("SELECT COALESCE(MAX(version), 0) FROM schema_versions", row => row.GetInt64(0), cancellation).ConfigureAwait(false))[0];
        if (present > Newest)
        {
            throw new StoreException(
                StoreFailure.Newer, $"The store has schema {present} and this program knows up to {Newest}. Use the newer program, which made it.");
        }

        for (var version = (int)present + 1; version <= Newest; version++)
        {
            await session.ExecuteAsync(All[version - 1], cancellation).ConfigureAwait(false);
            await session.ExecuteAsync("INSERT INTO schema_versions (version, applied_at) VALUES (@0, {now})", cancellation, (long)version).ConfigureAwait(false);
        }
    }
}
