using System.Globalization;

namespace Orchestrator.Storage.Relational;

/// <summary>Keeps the history of runs bounded. Only the owner of a lease prunes.</summary>
/// <remarks>What is too much is looked for outside of any lock, for that reads the whole history; then a bounded part of it is taken away in a transaction of its own, under the term. Whoever owns the
/// lease next goes on with what is left. One caller at a time.</remarks>
public sealed class HistoryTable
{
    /// <summary>Ended runs that are looked at in one turn: most have a few dozen events, and several fit.</summary>
    private const int RunsAtOnce = 10;

    private readonly RelationalStore _store;

    /// <summary>Samples that are to go, found when their run had too many: half of a run is thinned in several transactions, and the other half stays.</summary>
    private (string Run, List<long> Steps) _thinning = ("", []);

    internal HistoryTable(RelationalStore store) => _store = store;

    /// <summary>Takes away a part of what is too much, <see cref="HistoryBounds.RowsAtOnce"/> at the most, in one short transaction. Called again until it is nothing.</summary>
    /// <returns>Null when the term is not the newest any more.</returns>
    /// <exception cref="StoreException">The store failed; asking again can help when it is transient.</exception>
    public async Task<Pruned?> PruneAsync(Ownership ownership, HistoryBounds bounds, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bounds.RowsAtOnce, 1);
        var old = await FindOldAsync(bounds, cancellation).ConfigureAwait(false);
        var full = old.Count > 0 ? null : await FindFullAsync(bounds, cancellation).ConfigureAwait(false);
        if (old.Count == 0 && _thinning.Steps.Count == 0)
        {
            _thinning = await FindSamplesAsync(bounds, cancellation).ConfigureAwait(false);
        }

        var pruned = await _store.WriteAsync<Pruned?>(
            async session =>
            {
                if (await RunTable.WhyRefusedAsync(session, ownership, cancellation).ConfigureAwait(false) is not null)
                {
                    return null;
                }

                if (old.Count > 0)
                {
                    return await DeleteAsync(session, old, bounds.RowsAtOnce, cancellation).ConfigureAwait(false);
                }

                var events = full is null ? 0 : await TrimAsync(session, full, bounds, cancellation).ConfigureAwait(false);
                return new Pruned(events, await ThinAsync(session, bounds.RowsAtOnce - events, cancellation).ConfigureAwait(false));
            }, cancellation).ConfigureAwait(false);
        if (old.Count == 0 && pruned is not null)
        {
            _thinning.Steps.RemoveRange(0, Math.Min(_thinning.Steps.Count, bounds.RowsAtOnce - (int)pruned.Events));
        }

        return pruned;
    }

    /// <returns>Runs that ended long ago and have some history still.</returns>
    private Task<List<string>> FindOldAsync(HistoryBounds bounds, CancellationToken cancellation) => _store.ReadAsync(
        session => session.QueryAsync(
            "SELECT run FROM runs WHERE is_ended = 1 AND changed_at < {now} - @0 AND (EXISTS (SELECT 1 FROM events WHERE events.run = runs.run) "
            + "OR EXISTS (SELECT 1 FROM samples WHERE samples.run = runs.run)) ORDER BY number LIMIT @1",
            row => row.GetString(0), cancellation, (long)bounds.Kept.TotalMilliseconds, (long)RunsAtOnce), cancellation);

    /// <returns>A run with too many events; null: none has.</returns>
    private Task<FullRun?> FindFullAsync(HistoryBounds bounds, CancellationToken cancellation) => _store.ReadAsync(
        session => session.FirstAsync(
            // Sequences have no gaps but in front, so the first and the last say how many there are.
            "SELECT run, MIN(sequence), MAX(sequence) FROM events GROUP BY run HAVING MAX(sequence) - MIN(sequence) >= @0 LIMIT 1",
            row => new FullRun(row.GetString(0), row.GetInt64(1), row.GetInt64(2)), cancellation, (long)bounds.MaxEvents), cancellation);

    /// <returns>Every second sample of a run that has too many, but for the last; none: no run has.</returns>
    private Task<(string Run, List<long> Steps)> FindSamplesAsync(HistoryBounds bounds, CancellationToken cancellation) => _store.ReadAsync(
        async session =>
        {
            var run = await session.FirstAsync(
                "SELECT run FROM samples GROUP BY run HAVING COUNT(*) > @0 LIMIT 1", row => row.GetString(0), cancellation, (long)bounds.MaxSamples).ConfigureAwait(false);
            return run is null ? ("", []) : (run, await session.QueryAsync(
                "SELECT step FROM (SELECT step, ROW_NUMBER() OVER (ORDER BY step DESC) AS place FROM samples WHERE run = @0) AS placed WHERE place % 2 = 0 ORDER BY step",
                row => row.GetInt64(0), cancellation, run).ConfigureAwait(false));
        }, cancellation);

    private static async Task<Pruned> DeleteAsync(StoreSession session, List<string> runs, int rows, CancellationToken cancellation)
    {
        var (events, samples) = (0L, 0L);
        foreach (var run in runs)
        {
            if (rows > events + samples)
            {
                events += await session.ExecuteAsync(
                    "DELETE FROM events WHERE run = @0 AND sequence IN (SELECT sequence FROM events WHERE run = @0 ORDER BY sequence LIMIT @1)", cancellation, run, rows - events - samples)
                    .ConfigureAwait(false);
            }

            if (rows > events + samples)
            {
                samples += await session.ExecuteAsync(
                    "DELETE FROM samples WHERE run = @0 AND step IN (SELECT step FROM samples WHERE run = @0 ORDER BY step LIMIT @1)", cancellation, run, rows - events - samples)
                    .ConfigureAwait(false);
            }
        }

        return new Pruned(events, samples);
    }

    private static async Task<long> TrimAsync(StoreSession session, FullRun run, HistoryBounds bounds, CancellationToken cancellation) => await session.ExecuteAsync(
        "DELETE FROM events WHERE run = @0 AND sequence <= @1", cancellation, run.Run, Math.Min(run.Last - bounds.MaxEvents, run.First + bounds.RowsAtOnce - 1)).ConfigureAwait(false);

    private async Task<long> ThinAsync(StoreSession session, long rows, CancellationToken cancellation)
    {
        var steps = _thinning.Steps.Take((int)rows).ToList();
        return steps.Count == 0 ? 0 : await session.ExecuteAsync(
            $"DELETE FROM samples WHERE run = @0 AND step IN ({string.Join(',', Enumerable.Range(1, steps.Count).Select(i => string.Create(CultureInfo.InvariantCulture, $"@{i}")))})",
            cancellation, [_thinning.Run, .. steps.Cast<object?>()]).ConfigureAwait(false);
    }

    private sealed record FullRun(string Run, long First, long Last);
}
