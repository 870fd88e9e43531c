using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>The coordinator is killed while a submitted run trains.</summary>
public sealed class CoordinatorDeathTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Submit_TheCoordinatorIsKilledAndStartedAgain_TheWorkersTrainOnAndTheRunHasTheQuietHash()
    {
        const int steps = 6000;
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2, FreePort.Find());
        var runDir = _folder.New("run");
        var submitted = (await cluster.AskAsync(Spirals.Command(
            "submit", [Spirals.Endless, "checkpoint.everySteps=1000"], "--workers", "2", "--stop-after", $"{steps}", "--detach", "--format", "json", "--out", runDir))).Expect(0);
        var runId = submitted.Text("runId");
        await cluster.Coordinator.WaitForErrorAsync("checkpoint.saved");
        var pids = cluster.Workers.Select(worker => worker.Pid).ToArray();

        await cluster.KillAndRestartCoordinatorAsync();
        await cluster.Coordinator.WaitForErrorAsync("run.adopted");
        Assert.Equal(0, (await cluster.AskAsync("wait", runId)).ExitCode);

        var status = (await cluster.AskAsync("status", runId, "--format", "json")).Expect(0).Json;
        Assert.Equal(("stopped", steps), (status.GetProperty("state").GetString(), status.GetProperty("step").GetInt32()));
        var events = File.ReadAllLines(Path.Combine(runDir, "events.jsonl")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(await Spirals.QuietHashAsync(_folder, steps), events[^1].GetProperty("weightsSha256").GetString());
        // Nobody was lost and nobody started again. (Ranks may move while nobody looks: then the members are fenced once.)
        Assert.DoesNotContain(events, line => line.GetProperty("event").GetString() == "worker.lost");
        Assert.DoesNotContain("did not come back", Assert.Single(events, line => line.GetProperty("event").GetString() == "run.adopted").GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(pids, cluster.Workers.Select(worker => worker.Pid));
        (await Command.RunAsync("ledger", "verify", runDir)).Expect(0);

        // The pool goes on: the same workers take the next run.
        (await cluster.AskAsync(Spirals.Command("submit", ["training.steps=5"], "--workers", "2"))).Expect(0);
    }

    public void Dispose() => _folder.Dispose();
}
