using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A worker whose training thread is in a native call that never returns beats on: it is given up all the same, starts afresh, and the weights are those of a quiet run.</summary>
public sealed class HangTests : IDisposable
{
    private const int Steps = 200;

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_OneOfThreeWorkersHangsInItsForwardPass_AnotherProcessTakesItsPlace()
    {
        var (job, runDir) = (Job("hung"), _folder.New("run"));
        (await Command.RunAsync("run", job, "--workers", "3", "--out", runDir, "--format", "json")).Expect(0);

        var events = Events(Path.Combine(runDir, "events.jsonl")).ToList();
        ExpectHang(Assert.Single(events, line => NameOf(line) == "worker.lost"));
        Assert.Equal(await QuietHashAsync(), events[^1].GetProperty("weightsSha256").GetString());
        Assert.True(File.Exists(Path.Combine(_folder.Path, "hung")));
        WorkerProcesses.ExpectNone(events[^1].GetProperty("runId").GetString()!);
    }

    /// <summary>Nobody starts a standing worker again, so it does so itself: the same process comes back as another worker.</summary>
    [Fact]
    public async Task Submit_AStandingWorkerHangs_ItsProcessStartsAfreshAndJoins()
    {
        var job = Job("hung", steps: 4000);
        await using var cluster = await Cluster.StartAsync(_folder, 3);
        await using var submit = Command.Start(["submit", job, "--workers", "3", "--set", "checkpoint.everySteps=0", "--coordinator", cluster.Grpc, "--format", "jsonl"]);
        var lost = await submit.WaitForEventAsync("worker.lost");
        ExpectHang(lost);
        var back = await cluster.Coordinator.WaitForErrorAsync("Worker w-4 attached");
        Assert.Contains($"pid {lost.GetProperty("pid").GetInt32()}", back, StringComparison.Ordinal);
        (await submit.WaitForEndAsync()).Expect(0);
    }

    public void Dispose() => _folder.Dispose();

    private static void ExpectHang(JsonElement lost)
    {
        var reason = lost.GetProperty("reason").GetString()!;
        Assert.Contains("its training thread hangs: it has computed logical rank", reason, StringComparison.Ordinal);
        Assert.Contains("2 members have waited", reason, StringComparison.Ordinal);
        Assert.Contains("(patience 3.0 s)", reason, StringComparison.Ordinal);
    }

    private async Task<string> QuietHashAsync()
    {
        _folder.Write("quiet", "");
        return (await Command.RunAsync("run", Job("quiet"), "--workers", "1", "--out", _folder.New("quiet-run"), "--format", "json")).Expect(0).WeightsSha256;
    }

    /// <param name="hangOnce">The file that the hanging worker makes.</param>
    /// <param name="steps">Of the run.</param>
    private string Job(string hangOnce, int steps = Steps) => _folder.Write($"{hangOnce}.yaml", $$"""
        name: hanging
        task: {assembly: {{Command.Program("Orchestrator.ThrowingModel")}}, type: ThrowingModel.HangingTask, options: {pass: 60, hangOnce: {{Path.Combine(_folder.Path, hangOnce)}}} }
        data: {kind: csv, path: {{Command.Root}}/examples/data/spirals.csv, target: spiral, validationShare: 0.2}
        training: {steps: {{steps}}, globalBatch: 32, logicalRanks: 6}
        workers: {hangSeconds: 3}
        """);

    private static string NameOf(JsonElement line) => line.GetProperty("event").GetString()!;

    private static IEnumerable<JsonElement> Events(string path) => File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement);
}
