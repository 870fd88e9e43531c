using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A worker that is killed ends the run with a checkpoint of the last applied step, and with a sentence that says what to type.</summary>
public sealed class WorkerDeathTests : IDisposable
{
    private static readonly string[] Job = [Spirals.Endless, "checkpoint.everySteps=40"];

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_OneOfTwoWorkersIsKilled_EndsWithTheLastStepOnDiskAndResumesToTheQuietHash()
    {
        var (result, runDir, victim) = await KillAsync("run");
        result.Expect(1).ExpectError($"pid {victim.GetProperty("pid").GetInt32()}", victim.GetProperty("worker").GetString()!);
        var ended = Events(runDir).Single(line => line.GetProperty("event").GetString() == "run.ended");
        var lastStep = Directory.GetDirectories(Path.Combine(runDir, "checkpoints")).Max(path => long.Parse(Path.GetFileName(path)["step-".Length..]));
        Assert.True(lastStep >= ended.GetProperty("step").GetInt64(), $"Steps up to {ended.GetProperty("step")} were applied, but the newest checkpoint is of step {lastStep}.");

        // The last line names the worker, its process, the step and the command that goes on.
        var checkpoint = Path.Combine(runDir, "checkpoints", $"step-{lastStep:D8}");
        Assert.Contains($"Worker {victim.GetProperty("worker").GetString()} (pid {victim.GetProperty("pid").GetInt32()}", result.LastErrorLine);
        Assert.Matches(@"at step \d+", result.LastErrorLine);
        Assert.Contains($"--resume {checkpoint}", result.LastErrorLine);
        (await Command.RunAsync("checkpoint", "verify", checkpoint)).Expect(0);
        WorkerProcesses.ExpectNone(ended.GetProperty("runId").GetString()!);

        var goal = lastStep + 7;
        var resumed = await Command.RunAsync(Spirals.Command("run", Job, "--resume", checkpoint, "--stop-after", $"{goal}", "--workers", "3", "--format", "json", "--out", _folder.New("resumed")));
        Assert.Equal(await Spirals.QuietHashAsync(_folder, goal), resumed.Expect(0).WeightsSha256);
    }

    [Fact]
    public async Task Run_ItsOnlyWorkerIsKilled_KeepsTheCheckpointBefore()
    {
        var runDir = _folder.New("run");
        await using var run = Command.Start(Spirals.Command("run", Job, "--workers", "1", "--format", "jsonl", "--out", runDir));
        var worker = await run.WaitForEventAsync("worker.ready");
        await run.WaitForEventAsync("checkpoint.saved");
        Signals.Send(worker.GetProperty("pid").GetInt32(), Signal.Kill);
        var result = (await run.WaitForEndAsync()).Expect(1).ExpectError($"pid {worker.GetProperty("pid").GetInt32()}");
        Assert.StartsWith("Worker w-1", result.LastErrorLine);
        var checkpoint = Regex.Match(result.LastErrorLine, @"--resume (\S+)$").Groups[1].Value;
        (await Command.RunAsync("checkpoint", "verify", checkpoint)).Expect(0);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<(CommandResult Result, string RunDir, JsonElement Victim)> KillAsync(string name)
    {
        var runDir = _folder.New(name);
        await using var run = Command.Start(Spirals.Command("run", Job, "--workers", "2", "--format", "jsonl", "--out", runDir));
        var victim = await run.WaitForEventAsync("worker.ready", line => line.GetProperty("worker").GetString() == "w-2");
        await run.WaitForEventAsync("checkpoint.saved");
        Signals.Send(victim.GetProperty("pid").GetInt32(), Signal.Kill);
        return (await run.WaitForEndAsync(), runDir, victim);
    }

    private static IEnumerable<JsonElement> Events(string runDir) => File.ReadLines(Path.Combine(runDir, "events.jsonl")).Select(line => JsonDocument.Parse(line).RootElement);
}
