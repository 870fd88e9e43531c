using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>The parts one by one: a coordinator and two workers that stand, and the verbs that ask them.</summary>
public sealed class StandingClusterTests : IDisposable
{
    private static readonly string[] Short = ["training.steps=12", "workers.min=2"];

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Submit_ThreeRunsOnTheSameWorkers_EachHasTheHashOfTheLocalRunWithItsSettings()
    {
        // The second run failed once: its workers were pinned to the first one's threads, and libtorch takes these once in a process.
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2);
        foreach (var setting in new[] { "workers.threads=1", "workers.threads=2", "workers.isa=default" })
        {
            string[] changes = [.. Short, setting];
            var local = await Command.RunAsync(Spirals.Command("run", [.. changes, "workers.min=1"], "--format", "json", "--out", _folder.New("local")));
            var submitted = await cluster.AskAsync(Spirals.Command("submit", changes, "--workers", "2", "--format", "json"));
            Assert.Equal(local.Expect(0).WeightsSha256, submitted.Expect(0).WeightsSha256);
            Assert.Equal((2, 12), (submitted.Json.GetProperty("workers").GetInt32(), submitted.Json.GetProperty("steps").GetInt32()));
        }

        // They started afresh within their processes.
        var workers = JsonDocument.Parse((await cluster.AskAsync("workers", "--format", "json")).Output).RootElement.GetProperty("workers").EnumerateArray();
        Assert.Equal(cluster.Workers.Select(worker => worker.Pid), workers.Select(worker => worker.GetProperty("pid").GetInt32()).Order());
        foreach (var worker in cluster.Workers)
        {
            (await worker.EndAsync()).Expect(0);
        }

        (await cluster.Coordinator.EndAsync()).Expect(0);
    }

    [Fact]
    public async Task Stop_ARunThatIsSubmitted_ItEndsWithACheckpointAndEveryVerbShowsIt()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2);
        var runDir = _folder.New("run");
        await using var submit = Command.Start(Spirals.Command("submit", [Spirals.Endless, "checkpoint.everySteps=20"], "--workers", "2", "--format", "jsonl", "--out", runDir, "--coordinator", cluster.Grpc));
        var runId = (await submit.WaitForEventAsync("run.queued")).GetProperty("runId").GetString()!;
        await submit.WaitForEventAsync("checkpoint.saved");

        var running = (await cluster.AskAsync("status", runId, "--format", "json")).Expect(0).Json;
        Assert.Equal(("running", 2), (running.GetProperty("state").GetString(), running.GetProperty("workers").GetInt32()));
        Assert.Contains(runId, (await cluster.AskAsync("status")).Expect(0).Output);
        var workers = (await cluster.AskAsync("workers", "--format", "jsonl")).Expect(0).Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement);

        // Equal shares at first; on a busy machine a rank may have moved to the quicker worker by now.
        Assert.All(workers, worker => Assert.Equal(runId, worker.GetProperty("runId").GetString()));
        Assert.Equal(4, workers.Sum(worker => worker.GetProperty("logicalRanks").GetArrayLength()));

        (await cluster.AskAsync("stop", runId)).Expect(0);
        var ended = (await submit.WaitForEndAsync()).Expect(0).ExpectError("Stopped on request");
        Assert.Equal(0, (await cluster.AskAsync("wait", runId)).ExitCode);
        Assert.Equal("stopped", (await cluster.AskAsync("status", runId, "--format", "json")).Text("state"));
        Assert.Equal(File.ReadAllText(Path.Combine(runDir, "events.jsonl")).TrimEnd(), (await cluster.AskAsync("logs", runId)).Expect(0).Output.TrimEnd());
        Assert.Equal(File.ReadAllText(Path.Combine(runDir, "events.jsonl")).TrimEnd(), ended.Output.TrimEnd());
        (await Command.RunAsync("checkpoint", "verify", runDir)).Expect(0);
    }

    [Fact]
    public async Task Submit_AWorkerIsKilled_TheOtherGoesOnToTheQuietHashAndTakesTheNextRun()
    {
        const int steps = 3000;
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2);
        await using var submit = Command.Start(Spirals.Command(
            "submit", [Spirals.Endless, "checkpoint.everySteps=500"], "--workers", "2", "--stop-after", $"{steps}", "--format", "jsonl", "--coordinator", cluster.Grpc));
        await submit.WaitForEventAsync("checkpoint.saved");
        cluster.Workers[1].Send(Signal.Kill);
        var ended = (await submit.WaitForEndAsync()).Expect(0).ExpectError($"pid {cluster.Workers[1].Pid}");
        var last = JsonDocument.Parse(ended.Output.TrimEnd().Split('\n')[^1]).RootElement;
        Assert.Equal(await Spirals.QuietHashAsync(_folder, steps), last.GetProperty("weightsSha256").GetString());
        (await cluster.AskAsync(Spirals.Command("submit", ["training.steps=5"], "--workers", "1"))).Expect(0);
    }

    [Fact]
    public async Task Submit_Detached_ReturnsAtOnceAndWaitHasTheResult()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 1);
        var submitted = (await cluster.AskAsync(Spirals.Command("submit", ["training.steps=5"], "--detach", "--format", "json"))).Expect(0);
        var waited = (await cluster.AskAsync("wait", submitted.Text("runId"), "--format", "json")).Expect(0);
        Assert.Equal("succeeded", waited.Text("state"));

        var endless = (await cluster.AskAsync(Spirals.Command("submit", [Spirals.Endless], "--no-wait", "--format", "json"))).Expect(0).Text("runId");
        Assert.Equal("running", (await cluster.AskAsync("wait", endless, "--for=state=running", "--timeout", "2m", "--format", "json")).Expect(0).Text("state"));
        (await cluster.AskAsync("wait", endless, "--for=state=succeeded", "--timeout", "0.1s")).Expect(124).ExpectError("had not come to the state succeeded after 0.1s; it goes on");
        (await cluster.AskAsync("stop", endless)).Expect(0);
        (await cluster.AskAsync("wait", endless, "--for=state=succeeded")).Expect(1).ExpectError("stopped: Stopped on request.");
        (await cluster.AskAsync("wait", endless, "--for=state=stopped")).Expect(0);
    }

    /// <summary>A killed worker leaves its Unix socket's file behind, and the next one on the same port must make its own there.</summary>
    [Fact]
    public async Task Submit_AWorkerWasKilledAndStartedAgainOnItsPort_TheRunHasTheHashOfTheLocalOne()
    {
        await using var cluster = await Cluster.StartAsync(_folder, workers: 1);
        var address = $"127.0.0.1:{FreePort.Find()}";
        var socket = Path.Combine(Path.GetTempPath(), $"orchestrator-{Environment.UserName}", address.Replace(':', '-') + ".sock");
        await cluster.AddWorkerAsync("--listen", address);
        cluster.Workers[1].Send(Signal.Kill);
        await cluster.Workers[1].WaitForEndAsync();
        Assert.True(File.Exists(socket), $"A killed worker was to leave {socket}.");

        await cluster.AddWorkerAsync("--listen", address);
        var local = await Command.RunAsync(Spirals.Command("run", ["training.steps=12"], "--workers", "1", "--format", "json", "--out", _folder.New("local")));
        var submitted = await cluster.AskAsync(Spirals.Command("submit", Short, "--workers", "2", "--format", "json"));
        Assert.Equal(local.Expect(0).WeightsSha256, submitted.Expect(0).WeightsSha256);
        Assert.Equal(2, submitted.Json.GetProperty("workers").GetInt32());

        (await cluster.Workers[2].EndAsync()).Expect(0);
        Assert.False(File.Exists(socket), $"A worker that ends in order was to remove {socket}.");
    }

    public void Dispose() => _folder.Dispose();
}
