using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Host.Standby;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The life of a coordinator process: it stands by, owns the runs, stands by again, as the lease comes and goes.</summary>
internal static class CoordinatorTenure
{
    /// <param name="store">Outlives this.</param>
    /// <param name="options">With the front whose ports are open already.</param>
    /// <param name="signal">Ends when the process is to end.</param>
    /// <param name="log">Told of changes.</param>
    /// <returns>False: an actor crashed.</returns>
    public static async Task<bool> RunAsync(RelationalStore store, CoordinatorOptions options, Task signal, ILogger log)
    {
        var counts = new OwnershipCounts();
        using var sight = new OwnerSight(options.Address, TimeProvider.System, options.Tls) { HttpSelf = options.HttpAddress };
        await using var standby = await StandbyServer.StartAsync(options, sight, counts, Logs);
        options.Front!.Show(standby.Server);
        var rehearsal = store.Address.IsPostgres ? Task.Run(() => Rehearsal.RunAsync(store, options, counts, signal, log)) : Task.CompletedTask;
        while (!signal.IsCompleted)
        {
            if (!await StandByAndServeAsync(store, options, standby, sight, counts, signal, log))
            {
                return false;
            }
        }

        await rehearsal;
        return true;
    }

    private static async Task<bool> StandByAndServeAsync(
        RelationalStore store, CoordinatorOptions options, StandbyServer standby, OwnerSight sight, OwnershipCounts counts, Task signal, ILogger log)
    {
        await using var ownership = new OwnershipActor(store, sight, counts, log, TimeProvider.System);
        await Task.WhenAny(signal, ownership.Owned, ownership.Completion);
        if (!ownership.Owned.IsCompletedSuccessfully)
        {
            return signal.IsCompleted;
        }

        if (await FindAsync(store, await ownership.Owned, log) is not { } found)
        {
            return true;
        }

        var journal = new RunJournal(found.Versions, ownership.Decided, TimeProvider.System)
        {
            MayOrder = () => ownership.MayOrder, PoolVersion = found.PoolVersion,
        };
        ownership.Journal = journal;
        var tenure = new Tenure(found, journal, counts) { MayOrder = () => ownership.MayOrder, WorkerPatience = ownership.WorkerPatience };
        await using (var server = await CoordinatorServer.StartAsync(options with { Tenure = tenure }, Logs))
        {
            await Task.WhenAny(server.Actor.Adopted, server.Actor.Completion);
            options.Front!.Show(server.Fronted!);
            using var ending = new CancellationTokenSource();
            var pruning = new HistoryKeeper(store, options.History, log, TimeProvider.System).RunAsync(found.Ownership, ending.Token);
            var completing = Task.Run(() => PastRuns.CompleteAsync(store, found.Past, () => ownership.MayOrder, log, ending.Token));
            await Task.WhenAny(signal, ownership.Lost, ownership.Completion, server.Actor.Completion);
            await ending.CancelAsync();
            await Task.WhenAll(pruning, completing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            options.Front.Show(standby.Server);
            if (ownership.Lost.IsCompleted)
            {
                server.Actor.DropWorkers(await ownership.Lost);
            }
            else if (!signal.IsCompleted)
            {
                return false;
            }
        }

        if (ownership.Lost.IsCompleted)
        {
            counts.Refuse(journal.Dropped);
            Log.OrdersRefused(log, journal.Dropped, found.Ownership.Term, counts.Refusals);
        }

        return true;
    }

    /// <returns>Null when they cannot be read now, or are another's again.</returns>
    private static async Task<StoredRuns?> FindAsync(RelationalStore store, Storage.Relational.Ownership ownership, ILogger log)
    {
        try
        {
            var found = await StoredRuns.LoadAsync(store, ownership);
            foreach (var damage in found?.Damages ?? [])
            {
                Log.StoreDamaged(log, damage);
            }

            return found;
        }
        catch (StoreException e) when (e.IsTransient)
        {
            Log.WaitsForOwnership(log, e.Message);
            return null;
        }
    }

    private static void Logs(ILoggingBuilder logging) => Logging.ToStandardError(logging, LogLevel.Information);
}
