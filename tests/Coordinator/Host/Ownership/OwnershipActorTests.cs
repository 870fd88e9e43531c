using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Standby;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Tests.Ownership;

public sealed class OwnershipActorTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("owner-");

    /// <summary>A sync of a ledger that took seconds kept the owner from its renewals: it gave runs up that nobody else could have taken.</summary>
    [Fact]
    public async Task Owner_CarriesSomethingOutForLong_RenewsItsLeaseMeanwhile()
    {
        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(Path.Combine(_folder.FullName, "store.db")));
        var time = new ShiftedTime();
        using var sight = new OwnerSight("127.0.0.1:1", time);
        using var mayGoOn = new ManualResetEventSlim();
        var isBusy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var owner = new OwnershipActor(store, sight, new OwnershipCounts(), NullLogger.Instance, time);
        var ownership = await owner.Owned.WaitAsync(Patience);
        var journal = new RunJournal([], owner.Decided, time)
        {
            CarryOut = (_, _, _) =>
            {
                isBusy.TrySetResult();
                mayGoOn.Wait();
            },
        };
        owner.Journal = journal;
        journal.Add([new ClusterEffect.Note("It takes long.")], new ClusterState { Options = new ClusterOptions("1", new RunWaits()) });
        await isBusy.Task.WaitAsync(Patience);

        // A renewal makes it longer again.
        var little = TimeSpan.FromSeconds(10);
        await store.Leases.RenewAsync(ownership, little);
        time.Shift(TimeSpan.FromSeconds(3));
        var startedAt = TimeProvider.System.GetTimestamp();
        while ((await store.Leases.FindAsync(OwnershipActor.Lease))!.Remaining <= little)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(startedAt) < Patience, "The lease was not renewed while an effect was being carried out.");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        Assert.True(owner.MayOrder);
        mayGoOn.Set();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>The system's clock and timers, with timestamps that a test sets forward.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _shifted;

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _shifted);

        public void Shift(TimeSpan by) => Interlocked.Add(ref _shifted, (long)(by.TotalSeconds * TimestampFrequency));
    }
}
