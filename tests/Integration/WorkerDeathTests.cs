using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A worker that is killed costs its logical ranks of one step: the run goes on, another process takes its place, and the weights are those of a quiet run.</summary>
public sealed class WorkerDeathTests : IDisposable
{
    /// <summary>Some seconds of steps: the kill falls among them, and there is time for another process to join.</summary>
    private const int Steps = 6000;

    private static readonly string[] Job = [Spirals.Endless, "checkpoint.everySteps=1000"];

    private static readonly string[] Rounded = ["allReduce.wire=bf16", "allReduce.transport=tcp"];

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_OneOfTwoWorkersIsKilled_TheOtherGoesOnAndTheWeightsAreThoseOfAQuietRun()
    {
        var (result, runDir, victim) = await KillAsync("run", workers: 2, victim: "w-2");

        Assert.Equal(await Spirals.QuietHashAsync(_folder, Steps), result.Expect(0).ExpectError($"pid {PidOf(victim)}", "go").WeightsSha256);
        var events = Events(runDir).ToList();
        var lost = events.Single(line => NameOf(line) == "worker.lost");
        Assert.Equal(("w-2", PidOf(victim)), (lost.GetProperty("worker").GetString(), PidOf(lost)));

        // The survivor is the same process from start to end.
        Assert.Single(events.Where(line => NameOf(line) == "worker.ready" && line.GetProperty("worker").GetString() == "w-1").Select(PidOf).Distinct());
        Assert.True(events.Count(line => NameOf(line) == "generation.formed") >= 2);
        WorkerProcesses.ExpectNone(events[^1].GetProperty("runId").GetString()!);
    }

    /// <summary>What the survivor holds of the undecided step is rounded like what it computes again.</summary>
    [Fact]
    public async Task Run_WithBf16OneOfThreeWorkersIsKilled_TheWeightsAreThoseOfAQuietRunWithBf16()
    {
        var (result, runDir, victim) = await KillAsync("run", workers: 3, victim: "w-2", changes: Rounded);

        Assert.Equal(await Spirals.QuietHashAsync(_folder, Steps, "allReduce.wire=bf16"), result.Expect(0).WeightsSha256);
        Assert.Equal(PidOf(victim), PidOf(Events(runDir).Single(line => NameOf(line) == "worker.lost")));
    }

    [Fact]
    public async Task Run_ItsOnlyWorkerIsKilled_AnotherGoesOnFromTheLastCheckpoint()
    {
        var (result, runDir, _) = await KillAsync("run", workers: 1, victim: "w-1");

        Assert.Equal(await Spirals.QuietHashAsync(_folder, Steps), result.Expect(0).WeightsSha256);
        var names = Events(runDir).Select(NameOf).ToList();
        Assert.True(names.IndexOf("worker.lost") < names.IndexOf("run.paused") && names.IndexOf("run.paused") < names.IndexOf("run.resumed"), string.Join(" ", names));
    }

    /// <summary>The frozen one was given up for its silence after two seconds, and with it everything since the last checkpoint.</summary>
    [Fact]
    public async Task Run_OneOfTwoWorkersIsFrozenAndTheOtherIsKilled_TheRunWaitsForItAndLosesNothing()
    {
        var runDir = _folder.New("run");
        await using var run = Command.Start(Spirals.Command("run", Job, "--workers", "2", "--stop-after", $"{Steps}", "--format", "jsonl", "--out", runDir));
        var one = await run.WaitForEventAsync("worker.ready", line => line.GetProperty("worker").GetString() == "w-1");
        var other = await run.WaitForEventAsync("worker.ready", line => line.GetProperty("worker").GetString() == "w-2");
        await run.WaitForEventAsync("checkpoint.saved");
        Signals.Send(PidOf(one), Signal.Stop);
        Signals.Send(PidOf(other), Signal.Kill);
        var silent = await run.WaitForEventAsync("members.silent");
        Signals.Send(PidOf(one), Signal.Continue);

        var result = (await run.WaitForEndAsync()).Expect(0);
        Assert.Contains("Nothing is heard of w-1, and nobody else holds the run's state", silent.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(await Spirals.QuietHashAsync(_folder, Steps), result.WeightsSha256);

        // Nobody loaded anything again.
        var names = Events(runDir).Select(NameOf).ToList();
        Assert.Single(names, name => name == "generation.preparing");
        Assert.DoesNotContain("steps.lost", names);
    }

    [Fact]
    public async Task Run_OneOfThreeWorkersIsToldToEnd_ItLeavesBehindAStepAndNothingIsComputedAgain()
    {
        var (result, runDir, victim) = await KillAsync("run", workers: 3, victim: "w-2", Signal.Terminate);

        Assert.Equal(await Spirals.QuietHashAsync(_folder, Steps), result.Expect(0).WeightsSha256);
        var events = Events(runDir).ToList();
        var gone = Assert.Single(events, line => NameOf(line) is "worker.left" or "worker.lost");
        Assert.True((NameOf(gone), PidOf(gone)) == ("worker.left", PidOf(victim)), gone.ToString());
    }

    public void Dispose() => _folder.Dispose();

    private async Task<(CommandResult Result, string RunDir, JsonElement Victim)> KillAsync(
        string name, int workers, string victim, Signal signal = Signal.Kill, params string[] changes)
    {
        var runDir = _folder.New(name);
        await using var run = Command.Start(Spirals.Command("run", [.. Job, .. changes], "--workers", $"{workers}", "--stop-after", $"{Steps}", "--format", "jsonl", "--out", runDir));
        var ready = await run.WaitForEventAsync("worker.ready", line => line.GetProperty("worker").GetString() == victim);
        await run.WaitForEventAsync("checkpoint.saved");
        Signals.Send(PidOf(ready), signal);
        return (await run.WaitForEndAsync(), runDir, ready);
    }

    private static int PidOf(JsonElement line) => line.GetProperty("pid").GetInt32();

    private static string NameOf(JsonElement line) => line.GetProperty("event").GetString()!;

    private static IEnumerable<JsonElement> Events(string runDir) => File.ReadLines(Path.Combine(runDir, "events.jsonl")).Select(line => JsonDocument.Parse(line).RootElement);
}
