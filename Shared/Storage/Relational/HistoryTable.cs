namespace Orchestrator.Storage.Relational;

/// <summary>Keeps the history of runs bounded. Only the owner of a lease prunes.</summary>
public sealed class HistoryTable
{
    /// <summary>Ended runs of one transaction: it holds the lease's row, and the owner's other writes wait for it.</summary>
    private const int RunsAtOnce = 10;

    private readonly RelationalStore _store;

    internal HistoryTable(RelationalStore store) => _store = store;

    /// <summary>Takes away a part of what is too much, in one short transaction. Called again until it is nothing.</summary>
    /// <returns>Null when the term is not the newest any more.</returns>
    /// <exception cref="StoreException">The store failed; asking again can help when it is transient.</exception>
    public Task<Pruned?> PruneAsync(Ownership ownership, HistoryBounds bounds, CancellationToken cancellation = default) => _store.WriteAsync<Pruned?>(
        async session =>
        {
            if (await RunTable.WhyRefusedAsync(session, ownership, cancellation).ConfigureAwait(false) is not null)
            {
                return null;
            }

            var old = await session.QueryAsync(
                "SELECT run FROM runs WHERE is_ended = 1 AND changed_at < {now} - @0 AND (EXISTS (SELECT 1 FROM events WHERE events.run = runs.run) "
                + "OR EXISTS (SELECT 1 FROM samples WHERE samples.run = runs.run)) ORDER BY number LIMIT @1",
                row => row.GetString(0), cancellation, (long)bounds.Kept.TotalMilliseconds, (long)RunsAtOnce).ConfigureAwait(false);
            var (events, samples) = (0L, 0L);
            foreach (var run in old)
            {
                events += await session.ExecuteAsync("DELETE FROM events WHERE run = @0", cancellation, run).ConfigureAwait(false);
                samples += await session.ExecuteAsync("DELETE FROM samples WHERE run = @0", cancellation, run).ConfigureAwait(false);
            }

            return old.Count > 0 ? new Pruned(events, samples)
                : new Pruned(await TrimEventsAsync(session, bounds, cancellation).ConfigureAwait(false), await ThinSamplesAsync(session, bounds, cancellation).ConfigureAwait(false));
        }, cancellation);

    private static async Task<long> TrimEventsAsync(StoreSession session, HistoryBounds bounds, CancellationToken cancellation)
    {
        // Sequences have no gaps but in front, so the first and the last say how many there are.
        var full = await session.QueryAsync(
            "SELECT run, MAX(sequence) FROM events GROUP BY run HAVING MAX(sequence) - MIN(sequence) >= @0 LIMIT 1",
            row => (Run: row.GetString(0), Last: row.GetInt64(1)), cancellation, (long)bounds.MaxEvents).ConfigureAwait(false);
        return full.Count == 0 ? 0
            : await session.ExecuteAsync("DELETE FROM events WHERE run = @0 AND sequence <= @1", cancellation, full[0].Run, full[0].Last - bounds.MaxEvents).ConfigureAwait(false);
    }

    private static async Task<long> ThinSamplesAsync(StoreSession session, HistoryBounds bounds, CancellationToken cancellation)
    {
        var runs = await session.QueryAsync(
            "SELECT run FROM samples GROUP BY run HAVING COUNT(*) > @0 LIMIT 1", row => row.GetString(0), cancellation, (long)bounds.MaxSamples).ConfigureAwait(false);
        return runs.Count == 0 ? 0 : await session.ExecuteAsync(
            "DELETE FROM samples WHERE run = @0 AND step IN (SELECT step FROM (SELECT step, ROW_NUMBER() OVER (ORDER BY step DESC) AS place FROM samples WHERE run = @0) AS placed WHERE place % 2 = 0)",
            cancellation, runs[0]).ConfigureAwait(false);
    }
}
