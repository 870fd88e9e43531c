using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>What the store has of one run cannot be read: every coordinator that took the runs over ended of it, and nobody owned any of them.</summary>
public sealed class DamagedRunTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task TakeOver_TheRowOfOneRunIsOfAnotherVersion_TheOthersGoOnAndItIsShownUntilItIsPutRight()
    {
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 1);
        var (run, runDir) = await set.SubmitAsync(_folder);
        var waiting = (await set.AskAsync(Spirals.Command("submit", ["workers.min=3"], "--workers", "3", "--detach", "--format", "json", "--out", _folder.New("waiting")))).Expect(0).Text("runId");
        var row = $"FROM runs WHERE run = '{waiting}'";
        await set.Postgres.QueryAsync($"CREATE TABLE kept AS SELECT run, snapshot {row}");
        await set.Postgres.QueryAsync($"UPDATE runs SET snapshot = replace(snapshot, '\"Queued\"', '\"Dreaming\"') WHERE run = '{waiting}'");
        var damaged = await set.Postgres.QueryAsync($"SELECT * {row}");

        await set.KillOwnerAsync();
        await set[set.Owner].WaitForErrorAsync($"The row of run {waiting} in the store's table runs cannot be read");
        await set[set.Owner].WaitForErrorAsync("run.adopted");
        var shown = (await set.AskAsync("status", waiting, "--format", "json")).Expect(0).Json;
        Assert.Equal("failed", shown.GetProperty("state").GetString());
        Assert.Contains("Start a coordinator of the version that wrote it", shown.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(1, (await set.AskAsync("wait", waiting)).ExitCode);
        await set.AskAsync("stop", waiting);
        Assert.Equal(damaged, await set.Postgres.QueryAsync($"SELECT * {row}"));

        // Put right, it goes on under the next owner.
        await set.Postgres.QueryAsync("UPDATE runs SET snapshot = kept.snapshot FROM kept WHERE kept.run = runs.run");
        await set.KillOwnerAsync();
        await set[set.Owner].WaitForErrorAsync("run.adopted");
        Assert.Equal("queued", (await set.AskAsync("status", waiting, "--format", "json")).Expect(0).Json.GetProperty("state").GetString());
        await set.EndAsync(_folder, run, runDir);
    }

    public void Dispose() => _folder.Dispose();
}
