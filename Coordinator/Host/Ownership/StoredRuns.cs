using System.Collections.Immutable;
using System.Text.Json;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>What a new owner finds: the runs, the versions of their rows, the pool, and numbers for workers.</summary>
/// <param name="Ownership">Under which it was loaded.</param>
/// <param name="Runs">In the order of submission: all live ones and the last that ended.</param>
/// <param name="Versions">Of the rows.</param>
/// <param name="LastWorkerNumber">Workers get numbers above it.</param>
internal sealed record StoredRuns(Storage.Relational.Ownership Ownership, ImmutableArray<RevivedRun> Runs, ImmutableArray<KeyValuePair<RunId, long>> Versions, long LastWorkerNumber)
{
    public PoolSnapshot Pool { get; init; } = PoolSnapshot.Empty;

    /// <summary>Of the pool's row; 0: nothing of it was stored yet.</summary>
    public long PoolVersion { get; init; }

    /// <summary>Of live runs whose events.jsonl lacks some: all events that the store has.</summary>
    public ImmutableDictionary<RunId, IReadOnlyList<string>> Missed { get; init; } = ImmutableDictionary<RunId, IReadOnlyList<string>>.Empty;

    /// <summary>Runs that have ended.</summary>
    public ImmutableArray<PastRun> Past { get; init; } = [];

    /// <summary>What could not be read, each in a sentence.</summary>
    public ImmutableArray<string> Damages { get; init; } = [];

    /// <summary>Ids of one stint; far more workers than may be attached.</summary>
    private const int WorkerNumbers = 100_000;

    /// <exception cref="StoreException">The store failed; asking again can help when it is transient.</exception>
    /// <returns>Null when the lease is another's again.</returns>
    public static async Task<StoredRuns?> LoadAsync(RelationalStore store, Storage.Relational.Ownership ownership)
    {
        if (await store.Runs.ReserveAsync(ownership, "workers", WorkerNumbers).ConfigureAwait(false) is not { } first)
        {
            return null;
        }

        return await ReadAsync(store, ownership, first - 1).ConfigureAwait(false);
    }

    /// <summary>The same for one who only looks: nothing is reserved.</summary>
    /// <exception cref="StoreException">The store failed.</exception>
    public static async Task<StoredRuns> ReadAsync(RelationalStore store, Storage.Relational.Ownership ownership, long lastWorkerNumber)
    {
        var rows = await store.Runs.LoadAsync(ClusterState.MaxEndedRuns).ConfigureAwait(false);
        var revived = rows.Select(row => (Row: row, Found: Revive(row))).ToList();
        var (runs, missed) = (revived.Select(each => each.Found.Run).ToImmutableArray(), ImmutableDictionary.CreateBuilder<RunId, IReadOnlyList<string>>());
        var known = revived.Where(each => each.Found.Damage is null).Select(each => (each.Row.IsEnded, Past: new PastRun(each.Row.Run, each.Found.Run.Order.RunDir, each.Row.Events))).ToList();
        foreach (var (_, live) in known.Where(run => !run.IsEnded && LacksSome(run.Past)))
        {
            missed[live.Run] = await PastRuns.ReadAsync(store, live.Run).ConfigureAwait(false);
        }

        var pool = await store.Pools.FindAsync(OwnershipActor.Lease).ConfigureAwait(false);
        var (drained, damage) = Read(pool);
        return new StoredRuns(ownership, runs, [.. rows.Select(row => KeyValuePair.Create(row.Run, row.Version))], lastWorkerNumber)
        {
            Pool = drained, PoolVersion = pool?.Version ?? 0, Missed = missed.ToImmutable(), Past = [.. known.Where(run => run.IsEnded).Select(run => run.Past)],
            Damages = [.. revived.Select(each => each.Found.Damage).Append(damage).OfType<string>()],
        };
    }

    private static (PoolSnapshot Pool, string? Damage) Read(PoolChange? pool)
    {
        try
        {
            return (pool is null ? PoolSnapshot.Empty : DurableJson.ReadPool(pool.Snapshot), null);
        }
        catch (JsonException e)
        {
            return (PoolSnapshot.Empty, $"The row {pool!.Name} of the store's table pools cannot be read, so nobody knows who was drained; drain them again. {e.Message}");
        }
    }

    /// <summary>A file that cannot be read is no reason to leave the run: whoever goes on with its folder says what is wrong with it.</summary>
    private static bool LacksSome(PastRun run)
    {
        try
        {
            return PastRuns.LacksSome(run);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static (RevivedRun Run, string? Damage) Revive(RunRow row)
    {
        if (DamagedRow.TryRead(row, out var damaged) is not { } run)
        {
            return (damaged!.ToRun(), damaged.Reason);
        }

        try
        {
            return (row.IsEnded ? run : run with { Ledger = ReadLedger(run.Order) }, null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // This run alone cannot go on; the others must.
            return (run.Failing($"Its ledger cannot be gone on with: {e.Message}"), null);
        }
    }

    /// <summary>The ledger is written behind every committed step, the row only when something changes.</summary>
    private static LedgerTail ReadLedger(Core.Runs.RunOrder order)
    {
        var path = Path.Combine(order.RunDir, LedgerReader.FileName);
        if (!File.Exists(path) || new FileInfo(path).Length < LedgerCodec.Magic.Length)
        {
            return LedgerTail.Empty;
        }

        var end = LedgerEnd.Read(path, 2 * LedgerRule.MaxKeptSteps);
        return end.Lineage is not { Start: var start } || start.Run != order.Id ? LedgerTail.Empty : LedgerTail.Of(start.LogicalRanks, start.Step, end.Reports);
    }
}
