using Orchestrator.Tests.Support;

namespace Orchestrator.Storage.Relational.Tests;

public sealed class PostgresStoreTests(PostgresStoreTests.Server server) : StoreTests, IClassFixture<PostgresStoreTests.Server>
{
    [Fact]
    public async Task Open_DatabaseThatIsNotThere_SaysHowToMakeIt()
    {
        var address = StoreAddress.Parse(server.Cluster.ConnectionString.Replace("Database=postgres", "Database=missing", StringComparison.Ordinal));
        var problem = await Assert.ThrowsAsync<StoreException>(() => RelationalStore.OpenAsync(address));
        Assert.Equal(StoreFailure.NotAllowed, problem.Failure);
        Assert.Contains("createdb", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_TheServerFallsAndComesBack_FailsAsUnavailableAndThenGoesOn()
    {
        // A server of its own: the others go on with theirs.
        await using var cluster = await PostgresCluster.StartAsync();
        await using var store = await RelationalStore.OpenAsync(StoreAddress.Parse(cluster.ConnectionString));
        var lease = await TakeAsync(store, "c-1");
        await StoreAsync(store, lease, Some.Change(1) with { Events = [new("a", "1")] });

        await cluster.FallAsync();
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var problem = await Assert.ThrowsAsync<StoreException>(() => store.Runs.WriteAsync(lease, [Some.Change(2)]));
            Assert.Equal((StoreFailure.Unavailable, true), (problem.Failure, problem.IsTransient));
        }

        await cluster.RiseAsync();
        await StoreAsync(store, lease, Some.Change(2) with { Events = [new("b", "2")] });
        Assert.Equal(["1", "2"], (await store.Runs.EventsAsync(Some.Run, 0, 10)).Select(line => line.Line));
        Assert.True((await store.Leases.RenewAsync(lease, Some.Long)).IsGranted);
    }

    [Fact]
    public async Task Write_ItsConnectionIsCutBeforeTheCommit_MayBeSentAgain()
    {
        await using var store = await OpenAsync();
        var lease = await TakeAsync(store, "c-1");
        var problem = await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync(
            async session =>
            {
                await session.ExecuteAsync("UPDATE leases SET address = 'cut'", default);
                await session.QueryAsync("SELECT pg_terminate_backend(pg_backend_pid())", _ => 0, default);
                return 0;
            }, default));
        Assert.Equal(StoreFailure.Unavailable, problem.Failure);
        Assert.Equal("host:1", (await store.Leases.FindAsync("pool"))!.Address);
        await StoreAsync(store, lease, Some.Change(1));
    }

    /// <summary>A coordinator that froze between BEGIN and COMMIT held the lease's row: nobody could take it until it thawed.</summary>
    [Fact]
    public async Task Take_AnOwnerIsFrozenWithinATransaction_TheLeaseIsTakenAndWhatTheFrozenOneDoesNextFails()
    {
        await using var store = await OpenAsync();
        Assert.True((await store.Leases.TakeAsync("pool", "c-1", "host:1", LeaseTable.ShortestLength)).IsGranted);
        var locked = new TaskCompletionSource();
        var thaw = new TaskCompletionSource();
        var frozen = store.WriteAsync(
            async session =>
            {
                await LeaseTable.FindAsync(session, "pool", default);
                locked.SetResult();
                await thaw.Task;
                return await session.ExecuteAsync("UPDATE leases SET address = 'thawed'", default);
            }, default);
        await locked.Task;

        // It waits for the row, and may have looked at the clock before it did.
        await store.Leases.TakeAsync("pool", "c-2", "host:1", Some.Long);
        await TakeAsync(store, "c-2");
        thaw.SetResult();
        Assert.Equal(StoreFailure.Unavailable, (await Assert.ThrowsAsync<StoreException>(() => frozen)).Failure);
        Assert.Equal("c-2", (await store.Leases.FindAsync("pool"))!.Owner);
    }

    protected override Task<string> NewAddressAsync() => server.Cluster.NewDatabaseAsync();

    /// <summary>One server for all tests of the class, a database for each.</summary>
    public sealed class Server : IAsyncLifetime
    {
        internal PostgresCluster Cluster { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Cluster = await PostgresCluster.StartAsync();

        public ValueTask DisposeAsync() => Cluster.DisposeAsync();
    }
}
