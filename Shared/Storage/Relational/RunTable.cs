using System.Collections.Immutable;
using System.Data.Common;
using Orchestrator.Core.Identities;

namespace Orchestrator.Storage.Relational;

/// <summary>Runs and their history. Only the owner of a lease writes, and each write proves its term in its own transaction.</summary>
public sealed class RunTable
{
    private const string Columns = "run, number, run_order, state, is_ended, generation, snapshot, version, term, events, submitted_at";

    private readonly RelationalStore _store;
    private long _refused;

    internal RunTable(RelationalStore store) => _store = store;

    /// <summary>Writes of older terms that were refused, since this process started.</summary>
    public long RefusedWrites => Interlocked.Read(ref _refused);

    /// <summary>Stores changes of runs, and of the pool that they share, all or none.</summary>
    /// <param name="ownership">Under which they were decided.</param>
    /// <param name="changes">At most one of each run.</param>
    /// <param name="pool">Null: nothing of the pool has changed.</param>
    /// <param name="cancellation">Ends the wait; whether it was stored is not known then.</param>
    /// <exception cref="StoreException">The store failed; whether it was stored is not known then. The same changes may be sent again.</exception>
    public async Task<WriteAnswer> WriteAsync(Ownership ownership, ImmutableArray<RunChange> changes, PoolChange? pool = null, CancellationToken cancellation = default)
    {
        var answer = await _store.WriteAsync<WriteAnswer>(
            async session =>
            {
                if (await WhyRefusedAsync(session, ownership, cancellation).ConfigureAwait(false) is { } refused)
                {
                    return refused;
                }

                foreach (var change in changes)
                {
                    if (await ApplyAsync(session, ownership, change, cancellation).ConfigureAwait(false) is { } problem)
                    {
                        return problem;
                    }
                }

                return pool is not null && await PoolTable.ApplyAsync(session, ownership, pool, cancellation).ConfigureAwait(false) is { } wrong ? wrong : new WriteAnswer.Stored();
            }, cancellation, commits: given => given is WriteAnswer.Stored).ConfigureAwait(false);
        Count(answer);
        return answer;
    }

    /// <summary>Numbers that nobody else gets: the first of a block.</summary>
    /// <returns>Null when the term is not the newest any more.</returns>
    /// <exception cref="StoreException">The store failed; a block may be lost then.</exception>
    public async Task<long?> ReserveAsync(Ownership ownership, string counter, int count, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var refused = false;
        var first = await _store.WriteAsync<long?>(
            async session =>
            {
                if (refused = await WhyRefusedAsync(session, ownership, cancellation).ConfigureAwait(false) is not null)
                {
                    return null;
                }

                var last = await session.QueryAsync(
                    "INSERT INTO counters (name, value) VALUES (@0, @1) ON CONFLICT (name) DO UPDATE SET value = counters.value + @1 RETURNING value",
                    row => row.GetInt64(0), cancellation, counter, (long)count).ConfigureAwait(false);
                return last[0] - count + 1;
            }, cancellation).ConfigureAwait(false);
        if (refused)
        {
            Interlocked.Increment(ref _refused);
        }

        return first;
    }

    /// <returns>Runs that have not ended, and the last of those that have, in the order of submission.</returns>
    /// <param name="ended">How many ended ones at most.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task<ImmutableArray<RunRow>> LoadAsync(int ended, CancellationToken cancellation = default) => _store.ReadAsync(
        async session =>
        {
            var live = await session.QueryAsync($"SELECT {Columns} FROM runs WHERE is_ended = 0", ReadRun, cancellation).ConfigureAwait(false);
            var past = await session.QueryAsync($"SELECT {Columns} FROM runs WHERE is_ended = 1 ORDER BY number DESC LIMIT @0", ReadRun, cancellation, (long)ended).ConfigureAwait(false);
            return live.Concat(past).OrderBy(run => run.Number).ToImmutableArray();
        }, cancellation);

    /// <returns>Null when the store has no such run.</returns>
    public Task<RunRow?> FindAsync(RunId run, CancellationToken cancellation = default) =>
        _store.ReadAsync(session => session.FirstAsync($"SELECT {Columns} FROM runs WHERE run = @0", ReadRun, cancellation, run.Value), cancellation);

    /// <param name="run">Whose.</param>
    /// <param name="after">Sequences above this one.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task<List<StoredEvent>> EventsAsync(RunId run, long after, int count, CancellationToken cancellation = default) => _store.ReadAsync(
        session => session.QueryAsync(
            "SELECT sequence, term, name, line FROM events WHERE run = @0 AND sequence > @1 ORDER BY sequence LIMIT @2",
            row => new StoredEvent(row.GetInt64(0), row.GetInt64(1), row.GetString(2), row.GetString(3)), cancellation, run.Value, after, (long)count), cancellation);

    public Task<List<CheckpointRow>> CheckpointsAsync(RunId run, CancellationToken cancellation = default) => _store.ReadAsync(
        session => session.QueryAsync(
            "SELECT step, path, weights_sha256, saved_at FROM checkpoints WHERE run = @0 ORDER BY step, saved_at",
            row => new CheckpointRow(row.GetInt64(0), row.GetString(1), row.GetString(2), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(3))),
            cancellation, run.Value), cancellation);

    /// <inheritdoc cref="EventsAsync"/>
    public Task<List<StepSample>> SamplesAsync(RunId run, long after, int count, CancellationToken cancellation = default) => _store.ReadAsync(
        session => session.QueryAsync(
            "SELECT step, generation, loss, learning_rate, gradient_norm, samples_per_second, step_seconds FROM samples WHERE run = @0 AND step > @1 ORDER BY step LIMIT @2",
            row => new StepSample(
                row.GetInt64(0), new Generation(row.GetInt64(1)), row.RealOrNull(2), row.RealOrNull(3), row.RealOrNull(4), row.RealOrNull(5), row.RealOrNull(6)),
            cancellation, run.Value, after, (long)count), cancellation);

    /// <summary>Under the lock of the lease's row: whoever takes it waits for this transaction. A lease that lapsed and was taken by nobody still guards its writes.</summary>
    internal static async Task<WriteAnswer.Refused?> WhyRefusedAsync(StoreSession session, Ownership ownership, CancellationToken cancellation)
    {
        var present = await LeaseTable.FindAsync(session, ownership.Lease, cancellation).ConfigureAwait(false);
        return present is not null && present.Ownership == ownership ? null
            : new WriteAnswer.Refused(present, present is null
                ? $"{ownership.Owner} writes under term {ownership.Term}, and nobody owns {ownership.Lease}."
                : $"{ownership.Owner} writes under term {ownership.Term} of {ownership.Lease}, which {present.Owner} at {present.Address} has under term {present.Term}.");
    }

    private static async Task<WriteAnswer?> ApplyAsync(StoreSession session, Ownership ownership, RunChange change, CancellationToken cancellation)
    {
        var present = await session.QueryAsync("SELECT version, events FROM runs WHERE run = @0", row => (Version: row.GetInt64(0), Events: row.GetInt64(1)), cancellation, change.Run.Value)
            .ConfigureAwait(false);
        var (version, events) = present.Count == 0 ? (0, 0) : present[0];
        if (version == change.Version)
        {
            return null; // It was stored already; the answer was lost.
        }

        if (version != change.Version - 1)
        {
            return new WriteAnswer.OutOfOrder(change.Run.Value, version, $"Write {change.Version} of run {change.Run} came when the store had {version}.");
        }

        await (version == 0 ? InsertAsync(session, ownership, change, cancellation) : UpdateAsync(session, ownership, change, events, cancellation)).ConfigureAwait(false);
        foreach (var line in change.Events)
        {
            await session.ExecuteAsync(
                "INSERT INTO events (run, sequence, term, name, line, stored_at) VALUES (@0, @1, @2, @3, @4, {now})", cancellation,
                change.Run.Value, ++events, ownership.Term, line.Name, line.Line).ConfigureAwait(false);
        }

        foreach (var checkpoint in change.Checkpoints)
        {
            await session.ExecuteAsync(
                "INSERT INTO checkpoints (run, step, path, weights_sha256, saved_at) VALUES (@0, @1, @2, @3, @4) "
                + "ON CONFLICT (run, step, path) DO UPDATE SET weights_sha256 = excluded.weights_sha256, saved_at = excluded.saved_at", cancellation,
                change.Run.Value, checkpoint.Step, checkpoint.Path, checkpoint.WeightsSha256, checkpoint.SavedAt.ToUnixTimeMilliseconds()).ConfigureAwait(false);
        }

        foreach (var sample in change.Samples)
        {
            await session.ExecuteAsync(
                "INSERT INTO samples (run, step, generation, loss, learning_rate, gradient_norm, samples_per_second, step_seconds) VALUES (@0, @1, @2, @3, @4, @5, @6, @7) "
                + "ON CONFLICT (run, step) DO UPDATE SET generation = excluded.generation, loss = excluded.loss, learning_rate = excluded.learning_rate, "
                + "gradient_norm = excluded.gradient_norm, samples_per_second = excluded.samples_per_second, step_seconds = excluded.step_seconds", cancellation,
                change.Run.Value, sample.Step, sample.Generation.Number, sample.Loss, sample.LearningRate, sample.GradientNorm, sample.SamplesPerSecond, sample.StepSeconds)
                .ConfigureAwait(false);
        }

        return null;
    }

    private static Task InsertAsync(StoreSession session, Ownership ownership, RunChange change, CancellationToken cancellation) => session.ExecuteAsync(
        "INSERT INTO runs (run, number, run_order, state, is_ended, generation, snapshot, version, term, owner, events, submitted_at, changed_at) "
        + "VALUES (@0, (SELECT COALESCE(MAX(number), 0) + 1 FROM runs), @1, @2, @3, @4, @5, @6, @7, @8, @9, {now}, {now})", cancellation,
        change.Run.Value, change.Order, change.State, change.IsEnded ? 1L : 0L, change.Generation.Number, change.Snapshot, change.Version, ownership.Term, ownership.Owner,
        (long)change.Events.Length);

    private static Task UpdateAsync(StoreSession session, Ownership ownership, RunChange change, long events, CancellationToken cancellation) => session.ExecuteAsync(
        "UPDATE runs SET state = @1, is_ended = @2, generation = @3, snapshot = @4, version = @5, term = @6, owner = @7, events = @8, changed_at = {now} WHERE run = @0", cancellation,
        change.Run.Value, change.State, change.IsEnded ? 1L : 0L, change.Generation.Number, change.Snapshot, change.Version, ownership.Term, ownership.Owner,
        events + change.Events.Length);

    private void Count(WriteAnswer answer)
    {
        if (answer is WriteAnswer.Refused)
        {
            Interlocked.Increment(ref _refused);
        }
    }

    private static RunRow ReadRun(DbDataReader row) => new(
        new RunId(row.GetString(0)), row.GetInt64(1), row.GetString(2), row.GetString(3), row.GetInt64(4) != 0, new Generation(row.GetInt64(5)), row.GetString(6),
        row.GetInt64(7), row.GetInt64(8), row.GetInt64(9), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(10)));
}
