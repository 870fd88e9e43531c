using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>
/// A take-over that a standby plays once, in memory, while another owns the runs: it reads them, makes what serves workers, and lets their members come back. Most of a
/// first take-over was compiling what is used for the first time (1,700 methods, eight tenths of a second of a core), and on a machine where workers train their steps paid for it.
/// </summary>
/// <remarks>Nothing is stored, told, written or served: it has no lease, and all that is decided is dropped.</remarks>
internal static class Rehearsal
{
    /// <summary>Whoever is to own the runs at its start does so before.</summary>
    private static readonly TimeSpan StandsBy = TimeSpan.FromSeconds(2);

    /// <summary>For the mailbox to be worked off.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    /// <param name="store">Is read.</param>
    /// <param name="options">Of this coordinator.</param>
    /// <param name="counts">Tells whether it owns the runs.</param>
    /// <param name="signal">Ends when the process is to end.</param>
    /// <param name="log">Told when it failed: the take-over itself will say why.</param>
    public static async Task RunAsync(RelationalStore store, CoordinatorOptions options, OwnershipCounts counts, Task signal, ILogger log)
    {
        if (await Task.WhenAny(signal, Task.Delay(StandsBy)).ConfigureAwait(false) == signal || counts.Term != 0)
        {
            return;
        }

        try
        {
            await PlayAsync(await StoredRuns.ReadAsync(store, new Storage.Relational.Ownership("", "", 0), lastWorkerNumber: 0).ConfigureAwait(false), options).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.Ignored(log, $"A take-over could not be rehearsed: {e.Message}");
        }
    }

    private static async Task PlayAsync(StoredRuns found, CoordinatorOptions options)
    {
        var decided = 0;
        var journal = new RunJournal(found.Versions, () => Interlocked.Increment(ref decided), TimeProvider.System) { MayOrder = () => false };
        var tenure = new Tenure(found, journal, new OwnershipCounts()) { MayOrder = () => false, WorkerPatience = null };
        await using var server = await CoordinatorServer.StartAsync(options with { Tenure = tenure }, _ => { }).ConfigureAwait(false);
        await Task.WhenAny(server.Actor.Adopted, server.Actor.Completion).ConfigureAwait(false);
        foreach (var run in found.Runs.Where(run => run.Snapshot.Phase == SnapshotPhase.Training))
        {
            foreach (var @event in MembersOf(run))
            {
                await server.Actor.PostAsync(@event).ConfigureAwait(false);
            }
        }

        await Task.Delay(Settling).ConfigureAwait(false);
        journal.Changes(1, Volatile.Read(ref decided));
    }

    /// <summary>All members come back as they were, and have taken one step more.</summary>
    private static IEnumerable<ClusterEvent> MembersOf(RevivedRun run)
    {
        var (crew, step) = (run.Snapshot.Crew!, Math.Max(run.Snapshot.Step, run.Ledger.HighestStep) + 1);
        foreach (var (number, member) in crew.Members.Index())
        {
            yield return new ClusterEvent.WorkerAttached(number, member.Hello with { Member = new MemberIdentity(member.Worker, run.Order.Id, crew.Generation) });
        }

        foreach (var member in crew.Members)
        {
            yield return new ClusterEvent.WorkerSaid(member.Worker, new WorkerMessage.Progress(crew.Generation, step, 1, 1, 1, 1, default, 0)
            {
                Ledger = [new LedgerEntry(step, crew.Ranks.FirstOrDefault(rank => rank.Worker == member.Worker)?.FirstRank ?? 0, 1, default)],
            });
            yield return new ClusterEvent.WorkerSaid(member.Worker, new WorkerMessage.CaughtUp());
        }

        yield return new ClusterEvent.Tick();
    }
}
