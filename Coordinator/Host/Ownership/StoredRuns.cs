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

    /// <summary>Ids of one stint; far more workers than may be attached.</summary>
    private const int WorkerNumbers = 100_000;

    /// <exception cref="StoreException">The store failed; asking again can help when it is transient.</exception>
    /// <exception cref="JsonException">A row is damaged.</exception>
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
    /// <exception cref="JsonException">A row is damaged.</exception>
    public static async Task<StoredRuns> ReadAsync(RelationalStore store, Storage.Relational.Ownership ownership, long lastWorkerNumber)
    {
        var rows = await store.Runs.LoadAsync(ClusterState.MaxEndedRuns).ConfigureAwait(false);
        var pool = await store.Pools.FindAsync(OwnershipActor.Lease).ConfigureAwait(false);
        return new StoredRuns(ownership, [.. rows.Select(Revive)], [.. rows.Select(row => KeyValuePair.Create(row.Run, row.Version))], lastWorkerNumber)
        {
            Pool = pool is null ? PoolSnapshot.Empty : DurableJson.ReadPool(pool.Snapshot), PoolVersion = pool?.Version ?? 0,
        };
    }

    private static RevivedRun Revive(RunRow row)
    {
        var (order, snapshot) = (DurableJson.ReadOrder(row.Order), DurableJson.ReadSnapshot(row.Snapshot));
        return new RevivedRun(order, snapshot, row.IsEnded ? LedgerTail.Empty : ReadLedger(order));
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
