using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A worker that a person drained stays drained when the coordinator that was told so dies, until it is taken back or its process ends.</summary>
public sealed class DrainTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Owner_IsKilledWhenAMemberWasDrained_TheNextOnesGiveItNoRunUntilItIsTakenBack()
    {
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 2, workers: 3);
        var (run, runDir) = await set.SubmitAsync(_folder);
        var drained = set.Workers[1];
        (await set.AskAsync("drain", (await FindAsync(set.AskAsync, drained.Pid)).GetProperty("worker").GetString()!)).Expect(0);
        await set.KillOwnerAsync();
        var former = set.Killed;
        await ReturnsAsync(set, drained);

        // It had left before the owner died, or the next one lets it go.
        if ((await set.Postgres.QueryAsync($"SELECT name FROM events WHERE run = '{run}' AND name = 'worker.left'")).Length == 0)
        {
            await set[set.Owner].WaitForErrorAsync("worker.left");
        }

        await ExpectDrainedAsync(set, drained);
        await set.StartAgainAsync(former);

        // The next run takes a worker of the first, and the one after that waits: nobody takes the third.
        var second = (await set.AskAsync(Spirals.Command("submit", ["training.steps=30", "workers.max=1"], "--workers", "1", "--format", "json", "--out", _folder.New("second")))).Expect(0);
        var third = (await set.AskAsync(Spirals.Command("submit", ["training.steps=30", "workers.min=2", "workers.max=2"], "--workers", "2", "--no-wait", "--format", "json", "--out", _folder.New("third")))).Expect(0);
        Assert.Equal("succeeded", second.Text("state"));
        Assert.Equal("queued", (await set.AskAsync("status", third.Text("runId"), "--format", "json")).Expect(0).Text("state"));
        var id = (await FindAsync(set.AskAsync, drained.Pid)).GetProperty("worker").GetString()!;
        Assert.DoesNotContain($"\"{id}\"", File.ReadAllText(Path.Combine(second.Text("runDir"), "events.jsonl")), StringComparison.Ordinal);
        Assert.Contains("(drained)", (await set.AskAsync("workers")).Expect(0).Output, StringComparison.Ordinal);

        // Nor under a third owner.
        former = set.Owner;
        await set.KillOwnerAsync();
        await ReturnsAsync(set, drained);
        await ExpectDrainedAsync(set, drained);
        await set.StartAgainAsync(former);

        id = (await FindAsync(set.AskAsync, drained.Pid)).GetProperty("worker").GetString()!;
        (await set.AskAsync("drain", id, "--undo")).Expect(0).ExpectError($"Worker {id} is drained no more");
        (await set.AskAsync("drain", id, "--undo")).Expect(1).ExpectError($"Worker {id} is not drained.");
        (await set.AskAsync("wait", third.Text("runId"))).Expect(0);

        await set.EndAsync(_folder, run, runDir);
    }

    [Fact]
    public async Task Coordinator_OfASqliteFileIsKilledAndStartedAgain_TheWorkerStaysDrainedUntilItsProcessEnds()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2, FreePort.Find());
        var drained = cluster.Workers[0];
        (await cluster.AskAsync("drain", "w-1")).Expect(0).ExpectError("Worker w-1 serves no run, and gets none any more.");

        await cluster.KillAndRestartCoordinatorAsync();
        foreach (var worker in cluster.Workers)
        {
            await cluster.Coordinator.WaitForErrorAsync($"attached: pid {worker.Pid} ");
        }

        var (kept, free) = (await FindAsync(cluster.AskAsync, drained.Pid), await FindAsync(cluster.AskAsync, cluster.Workers[1].Pid));
        Assert.Equal((true, false), (kept.GetProperty("isDrained").GetBoolean(), free.GetProperty("isDrained").GetBoolean()));
        var run = (await cluster.AskAsync(Spirals.Command("submit", ["training.steps=20"], "--workers", "2", "--format", "json"))).Expect(0);
        Assert.Equal(1, run.Json.GetProperty("workers").GetInt32());

        // Another process in its place is another worker.
        (await drained.EndAsync()).Expect(0);
        await using var next = Command.Start("worker", "--coordinator", cluster.Grpc);
        await cluster.Coordinator.WaitForErrorAsync($"attached: pid {next.Pid} ");
        Assert.False((await FindAsync(cluster.AskAsync, next.Pid)).GetProperty("isDrained").GetBoolean());
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A worker has come back to the present owner.</summary>
    private static Task ReturnsAsync(CoordinatorSet set, RunningCommand worker) => set[set.Owner].WaitForErrorAsync($"attached: pid {worker.Pid} ");

    private static async Task ExpectDrainedAsync(CoordinatorSet set, RunningCommand worker)
    {
        var status = await FindAsync(set.AskAsync, worker.Pid);
        Assert.Equal((true, JsonValueKind.Null), (status.GetProperty("isDrained").GetBoolean(), status.GetProperty("runId").ValueKind));
    }

    private static async Task<JsonElement> FindAsync(Func<string[], Task<CommandResult>> ask, int pid) =>
        (await ask(["workers", "--format", "json"])).Expect(0).Json.GetProperty("workers").EnumerateArray().Single(worker => worker.GetProperty("pid").GetInt32() == pid);
}
