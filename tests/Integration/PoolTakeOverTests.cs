using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Three coordinators on one PostgreSQL, three workers and several runs: the owner is killed while two of them train and one waits.</summary>
public sealed class PoolTakeOverTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Owner_IsKilledWhileRunsTrainAndOneWaits_AllGoOnAndEachHasItsQuietHash()
    {
        var random = new Random(5);
        await using var set = await CoordinatorSet.StartAsync(_folder, coordinators: 3, workers: 3);
        async Task<SharedRun> SubmitAsync(params string[] changes)
        {
            var folder = _folder.New("run");
            var submitted = (await set.AskAsync(Spirals.Command("submit", ["checkpoint.everySteps=5000", .. changes], "--no-wait", "--format", "json", "--out", folder))).Expect(0);
            return new SharedRun(submitted.Text("runId"), folder);
        }

        var first = await SubmitAsync(Spirals.Endless, "seed=1", "workers.min=1", "workers.desired=3", "workers.max=3");
        await TrainsAsync(set, first);
        var second = await SubmitAsync(Spirals.Endless, "seed=2", "workers.min=1", "workers.desired=3", "workers.max=3");
        await TrainsAsync(set, second);

        // Two of three workers: the others keep one each.
        var waiting = await SubmitAsync("training.steps=400", "evaluation.everySteps=0", "seed=3", "workers.min=2", "workers.desired=2", "workers.max=2");
        Assert.Equal(1, await PlaceAsync(set, waiting));

        var took = await set.KillOwnerAsync();
        Assert.Equal(1, await PlaceAsync(set, waiting));
        foreach (var run in new[] { first, second })
        {
            await set[set.Owner].WaitForErrorAsync(line => line.Contains("run.adopted", StringComparison.Ordinal) && line.Contains(run.Id, StringComparison.Ordinal), $"the adoption of {run.Id}");
        }

        await set.StartAgainAsync(set.Killed);

        // The next owner dies as well, somewhere in the first one's end and the start of the one that waits.
        (await set.AskAsync("stop", first.Id)).Expect(0);
        await Task.Delay(random.Next(0, 300), TestContext.Current.CancellationToken);
        var again = await set.KillOwnerAsync();
        output.WriteLine($"Nobody owned the runs for {took.TotalSeconds:0.00} s and {again.TotalSeconds:0.00} s.");
        await set.StartAgainAsync(set.Killed);

        var ended = (await set.AskAsync("wait", waiting.Id, "--format", "json")).Expect(0);
        Assert.Equal(
            (await Command.RunAsync(Spirals.Command("run", ["training.steps=400", "evaluation.everySteps=0", "seed=3"], "--workers", "1", "--format", "json", "--out", _folder.New("alone")))).Expect(0).WeightsSha256,
            ended.WeightsSha256);
        (await Command.RunAsync("ledger", "verify", waiting.Folder)).Expect(0);
        Assert.Equal("run.ended", NameOf((await set.EndedAsync(_folder, first.Id, first.Folder, "seed=1"))[^1]));
        var events = await set.EndAsync(_folder, second.Id, second.Folder, "seed=2");
        output.WriteLine($"{events.Length} events of the run that trained the whole time. {StepGaps.Describe(second.Folder)}.");

        foreach (var run in new[] { first, second, waiting })
        {
            var record = await set.RecordAsync(run.Id);
            output.WriteLine($"{run.Id}: {record.Describe()}");
            Assert.Empty(record.Violations());
            Assert.Equal(await set.StoredEventsAsync(run.Id), File.ReadAllLines(Path.Combine(run.Folder, "events.jsonl")));
        }

        // It was submitted under the first owner, and started under a later one.
        var writes = (await set.RecordAsync(waiting.Id)).Writes;
        Assert.Equal(1, Assert.Single(writes, write => write.Name == "run.queued").Term);
        Assert.All(writes.Where(write => write.Name == "generation.formed"), write => Assert.True(write.Term > 1, $"{write}"));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task TrainsAsync(CoordinatorSet set, SharedRun run) => (await set.AskAsync("wait", run.Id, "--for=state=running", "--timeout", "2m")).Expect(0);

    private static async Task<int> PlaceAsync(CoordinatorSet set, SharedRun run) => (await set.AskAsync("status", run.Id, "--format", "json")).Expect(0).Json.GetProperty("queuePlace").GetInt32();

    private static string NameOf(JsonElement line) => line.GetProperty("event").GetString()!;

    private readonly record struct SharedRun(string Id, string Folder);
}
