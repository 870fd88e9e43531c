using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Tests.Ownership;

/// <summary>An owner died when an event was stored and not yet written: events.jsonl lacked it for ever. The next owner completes the file.</summary>
public sealed class TakeOverTests : IAsyncLifetime
{
    private static readonly RunId Run = new("taken");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("taken-over-");
    private RelationalStore _store = null!;
    private Storage.Relational.Ownership _first = null!;

    private string Events => Path.Combine(_folder.FullName, Run.Value, "events.jsonl");

    public async ValueTask InitializeAsync()
    {
        _store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(Path.Combine(_folder.FullName, "store.db")));
        _first = await TakeAsync("c-1");
    }

    [Fact]
    public async Task TakeOver_AnEventWasStoredAndNotWritten_TheNextOwnerWritesIt()
    {
        await using (var former = await SubmitAsync())
        {
            await DecideAndStoreAsync(former, new ClusterEvent.ScaleRequested(Run, 2));
        }

        // It was killed in the middle of a line.
        File.AppendAllText(Events, "{\"time\":\"20");
        Assert.Equal(2, (await StoredAsync()).Count());
        Assert.Single(MissedEvents.ReadLines(Events));

        await using var next = new JournalledCoordinator(_folder.FullName, await LoadAsync());
        await next.Actor.Adopted.WaitAsync(JournalledCoordinator.Patience);
        Assert.Equal(await StoredAsync(), File.ReadAllLines(Events));
        Assert.Equal(2, next.Actor.FeedOf(Run)!.LinesAtStart);
    }

    [Fact]
    public async Task TakeOver_TheEndWasStoredAndNotWritten_TheNextOwnerWritesIt()
    {
        await using (var former = await SubmitAsync())
        {
            await DecideAndStoreAsync(former, new ClusterEvent.StopRequested(Run, "Stopped by a test."));
        }

        var found = await LoadAsync();
        Assert.Equal(new PastRun(Run, Path.GetDirectoryName(Events)!, 2), Assert.Single(found.Past));
        await PastRuns.CompleteAsync(_store, found.Past, () => true, NullLogger.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(await StoredAsync(), File.ReadAllLines(Events));
    }

    [Fact]
    public async Task TakeOver_TheFolderOfARunThatEndedIsGone_StaysSo()
    {
        await using (var former = await SubmitAsync())
        {
            await DecideAndStoreAsync(former, new ClusterEvent.StopRequested(Run, "Stopped by a test."));
        }

        Directory.Delete(Path.GetDirectoryName(Events)!, recursive: true);
        await PastRuns.CompleteAsync(_store, (await LoadAsync()).Past, () => true, NullLogger.Instance, TestContext.Current.CancellationToken);
        Assert.False(Directory.Exists(Path.GetDirectoryName(Events)));
    }

    /// <summary>The file's line had the time at which it was written, so nobody could tell by the line whether the store's was there.</summary>
    [Fact]
    public async Task Event_IsWritten_IsTheSameLineAsInTheStore()
    {
        await using var owner = await SubmitAsync();
        Assert.Equal(await StoredAsync(), File.ReadAllLines(Events));
    }

    /// <summary>A run that waits has no file open, so an owner that was frozen opens the one at the path: that is the next owner's by then.</summary>
    [Fact]
    public async Task Event_TheOwnershipEndsBeforeTheFileIsOpened_IsNotWritten()
    {
        await using var former = await SubmitAsync();
        var before = File.ReadAllText(Events);
        var scale = former.Actor.AskAsync(new ClusterEvent.ScaleRequested(Run, 2));
        await former.DecideAsync();
        former.MayOrder = false;
        former.Release();
        await scale.WaitAsync(JournalledCoordinator.Patience);
        Assert.Equal(before, File.ReadAllText(Events));
    }

    /// <summary>One run's ledger was damaged: every coordinator that took the runs over crashed of it, and nobody owned any of them.</summary>
    [Fact]
    public async Task TakeOver_TheLedgerOfOneRunIsDamaged_ThatRunFailsAndTheOthersGoOn()
    {
        var other = new RunId("other");
        await using (var former = await SubmitAsync())
        {
            await SubmitAsync(former, other);
        }

        File.WriteAllText(Path.Combine(Path.GetDirectoryName(Events)!, "ledger"), "This is no ledger.");
        await using var next = new JournalledCoordinator(_folder.FullName, await LoadAsync());
        await next.DecideAsync();
        var failed = Assert.IsType<RunPhase.Ended>(next.Actor.State.Find(Run)!.Phase).Outcome;
        Assert.Equal(RunResult.Failed, failed.Result);
        Assert.Contains("does not begin as a ledger does", failed.Reason, StringComparison.Ordinal);
        Assert.IsType<RunPhase.Queued>(next.Actor.State.Find(other)!.Phase);
    }

    /// <summary>One run's row could not be read: every coordinator that loaded it ended, and nobody owned any run.</summary>
    [Theory]
    [InlineData("snapshot", "{\"phase\":\"Que")]
    [InlineData("snapshot", "null")]
    [InlineData("snapshot", "{}")]
    [InlineData("snapshot", "{\"phase\":\"Dreaming\",\"reason\":\"?\",\"generation\":1,\"lastGeneration\":1}")]
    [InlineData("snapshot", "{\"phase\":\"Training\",\"reason\":\"?\",\"generation\":1,\"lastGeneration\":1,\"crew\":{\"generation\":1}}")]
    [InlineData("run_order", "{")]
    [InlineData("run_order", "{\"id\":\"other\",\"job\":\"{}\"}")]
    public async Task TakeOver_ARowOfOneRunIsDamaged_ThatRunIsSetAsideAsItIsAndTheOthersGoOn(string column, string damage)
    {
        var other = new RunId("other");
        await using (var former = await SubmitAsync())
        {
            await SubmitAsync(former, other);
        }

        await DamageAsync($"UPDATE runs SET {column} = $damage WHERE run = 'taken'", damage);
        var before = await _store.Runs.FindAsync(Run);
        var found = await LoadAsync();
        Assert.Contains("The row of run taken in the store's table runs cannot be read, so the run is set aside", Assert.Single(found.Damages), StringComparison.Ordinal);

        await using var next = new JournalledCoordinator(_folder.FullName, found);
        await next.Actor.Adopted.WaitAsync(JournalledCoordinator.Patience);
        var shown = next.Actor.State.Find(Run)!;
        Assert.Equal(RunResult.Failed, Assert.IsType<RunPhase.Ended>(shown.Phase).Outcome.Result);
        var status = shown.ToWire(next.Actor.State);
        Assert.Equal((Protocol.V1.RunState.Failed, 1, found.Damages[0]), (status.State, status.ExitCode, status.Reason));
        Assert.IsType<RunPhase.Queued>(next.Actor.State.Find(other)!.Phase);

        // The other run goes on, and whatever a person asks of the damaged one changes nothing of it.
        await next.Actor.PostAsync(new ClusterEvent.StopRequested(Run, "Stopped by a test."));
        await next.Actor.PostAsync(new ClusterEvent.ScaleRequested(Run, 3));
        await next.Actor.PostAsync(new ClusterEvent.ScaleRequested(other, 2));
        await next.DecideAsync(3);
        Assert.Equal(other, Assert.Single(next.Changes(3).Runs).Run);
        Assert.Equal(before, await _store.Runs.FindAsync(Run));
    }

    [Fact]
    public async Task TakeOver_ThePoolsRowIsDamaged_TheRunsGoOnAndItIsSaid()
    {
        await using (await SubmitAsync())
        {
        }

        await DamageAsync("INSERT INTO pools (name, snapshot, version, term, changed_at) VALUES ('runs', $damage, 4, 1, 0)", "{\"drained\":");
        var found = await LoadAsync();
        Assert.Contains("The row runs of the store's table pools cannot be read", Assert.Single(found.Damages), StringComparison.Ordinal);
        Assert.Equal((4, 1), (found.PoolVersion, found.Runs.Length));
    }

    private async Task DamageAsync(string statement, string damage)
    {
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(_folder.FullName, "store.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = statement;
        command.Parameters.AddWithValue("$damage", damage);
        Assert.Equal(1, await command.ExecuteNonQueryAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A run is queued, stored and told.</summary>
    private async Task<JournalledCoordinator> SubmitAsync()
    {
        var coordinator = new JournalledCoordinator(_folder.FullName);
        await SubmitAsync(coordinator, Run);
        return coordinator;
    }

    private async Task SubmitAsync(JournalledCoordinator coordinator, RunId run)
    {
        var submitted = coordinator.Actor.SubmitAsync(coordinator.Order(run));
        await coordinator.DecideAsync();
        await coordinator.StoreAsync(_store, _first);
        coordinator.Release();
        await submitted.WaitAsync(JournalledCoordinator.Patience);
    }

    /// <summary>And then the owner dies.</summary>
    private async Task DecideAndStoreAsync(JournalledCoordinator coordinator, ClusterEvent asked)
    {
        await coordinator.Actor.PostAsync(asked with { Asker = 1 });
        await coordinator.DecideAsync();
        await coordinator.StoreAsync(_store, _first);
        coordinator.Journal.Stop();
    }

    private async Task<StoredRuns> LoadAsync()
    {
        await _store.Leases.GiveUpAsync(_first);
        return (await StoredRuns.LoadAsync(_store, await TakeAsync("c-2")))!;
    }

    private async Task<Storage.Relational.Ownership> TakeAsync(string owner) => (await _store.Leases.TakeAsync(OwnershipActor.Lease, owner, "host:1", TimeSpan.FromMinutes(30))).Present!.Ownership;

    private async Task<IEnumerable<string>> StoredAsync() => (await _store.Runs.EventsAsync(Run, 0, 100)).Select(each => each.Line);
}
