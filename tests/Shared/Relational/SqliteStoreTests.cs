namespace Orchestrator.Storage.Relational.Tests;

public sealed class SqliteStoreTests : StoreTests, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sqlite-test-");

    [Fact]
    public async Task Write_ItsProcessIsKilledInTheMiddle_WhatWasAcknowledgedIsThereAndEachWriteIsWhole()
    {
        var file = NewFile();
        var acknowledged = 0L;
        for (var kill = 1; kill <= 3; kill++)
        {
            acknowledged = await DoomedWriter.StartAndKillAsync(file, afterLines: 20 * kill);
        }

        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(file));
        var run = (await store.Runs.FindAsync(Some.Run))!;
        // One more may have been stored than was said.
        Assert.InRange(run.Version, acknowledged, acknowledged + 1);
        var events = await store.Runs.EventsAsync(Some.Run, 0, int.MaxValue);
        Assert.Equal(Enumerable.Range(1, (int)run.Version).SelectMany(version => new[] { $"{version}.1", $"{version}.2" }), events.Select(line => line.Line));
        Assert.Equal(3, run.Term);
    }

    [Fact]
    public async Task Write_OthersHoldTheFile_WaitsForThem()
    {
        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(NewFile()));
        var lease = await TakeAsync(store, "c-1");
        var isHeld = new TaskCompletionSource();
        var mayEnd = new TaskCompletionSource();
        var holder = store.WriteAsync(
            async _ =>
            {
                isHeld.SetResult();
                await mayEnd.Task;
                return 0;
            }, default);
        await isHeld.Task;
        var waiting = StoreAsync(store, lease, Some.Change(1));
        Assert.Equal("pool", (await store.Leases.FindAsync("pool"))!.Name); // Readers do not wait.
        mayEnd.SetResult();
        await Task.WhenAll(holder, waiting);
        Assert.NotNull(await store.Runs.FindAsync(Some.Run));
    }

    [Fact]
    public async Task Open_FileThatIsNoDatabase_SaysSo()
    {
        var file = NewFile();
        File.WriteAllText(file, new string('x', 5000));
        var problem = await Assert.ThrowsAsync<StoreException>(() => RelationalStore.OpenAsync(StoreAddress.SqliteFile(file)));
        Assert.Equal(StoreFailure.Device, problem.Failure);
        Assert.Contains(file, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_FolderIsMissing_SaysWhatToCheck()
    {
        var problem = await Assert.ThrowsAsync<StoreException>(() => RelationalStore.OpenAsync(StoreAddress.SqliteFile(Path.Combine(_folder.FullName, "no", "a.db"))));
        Assert.Equal(StoreFailure.NotAllowed, problem.Failure);
        Assert.Contains("Check that its folder is there", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_AnyStore_SyncsItsLogAtEachCommit()
    {
        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(NewFile()));
        Assert.Equal(("wal", "2"), await store.ReadAsync(
            async session => ((await session.QueryAsync("PRAGMA journal_mode", row => row.GetString(0), default))[0], (await session.QueryAsync("PRAGMA synchronous", row => row.GetString(0), default))[0]), default));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    protected override Task<string> NewAddressAsync() => Task.FromResult($"sqlite:{NewFile()}");

    private string NewFile() => Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.db");
}
