using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>However `run` ends, it leaves no process behind; asked to end, it leaves a checkpoint.</summary>
public sealed class RunEndingTests : IDisposable
{
    private static readonly string[] Job = [Spirals.Endless, "checkpoint.everySteps=0"];

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_IsKilled_ItsWorkersEndByThemselves()
    {
        await using var run = Command.Start(Spirals.Command("run", Job, "--workers", "2", "--format", "jsonl", "--out", _folder.New("run")));
        var runId = (await run.WaitForEventAsync("run.queued")).GetProperty("runId").GetString()!;
        await run.WaitForEventAsync("worker.ready");
        var workers = WorkerProcesses.Of(runId);
        Assert.Equal(2, workers.Count);
        run.Send(Signal.Kill);
        await WorkerProcesses.WaitForEndAsync(workers);
        WorkerProcesses.ExpectNone(runId);
    }

    [Theory]
    [InlineData(2, 130)]
    [InlineData(15, 143)]
    public async Task Run_IsSignalled_EndsAfterAStepWithACheckpointThatResumesToTheQuietHash(int signal, int exitCode)
    {
        var runDir = _folder.New("run");
        await using var run = Command.Start(Spirals.Command("run", Job, "--workers", "2", "--format", "jsonl", "--out", runDir));
        var runId = (await run.WaitForEventAsync("run.queued")).GetProperty("runId").GetString()!;
        await run.WaitForErrorAsync("step 1/");
        run.Send((Signal)signal);
        var result = await run.WaitForEndAsync();
        result.Expect(exitCode).ExpectError("Stopped by");
        WorkerProcesses.ExpectNone(runId);

        var ended = await run.WaitForEventAsync("run.ended");
        var steps = ended.GetProperty("step").GetInt64();
        Assert.Equal("stopped", ended.GetProperty("state").GetString());
        (await Command.RunAsync("checkpoint", "verify", Path.Combine(runDir, "checkpoints", $"step-{steps:D8}"))).Expect(0);
        var resumed = await Command.RunAsync(Spirals.Command("run", Job, "--resume", runDir, "--stop-after", $"{steps + 5}", "--format", "json", "--out", _folder.New("resumed")));
        Assert.Equal(await Spirals.QuietHashAsync(_folder, steps + 5), resumed.Expect(0).WeightsSha256);
    }

    [Fact]
    public async Task Run_IsInterruptedTwice_EndsAtOnceAndLeavesNoProcess()
    {
        // Steps of a quarter of a minute: the second signal comes long before the end of the first one.
        await using var run = Command.Start(
            "run", "examples/char-gpt.yaml", "--set", "training.globalBatch=4000", "--workers", "2", "--format", "jsonl", "--out", _folder.New("run"));
        var runId = (await run.WaitForEventAsync("run.queued")).GetProperty("runId").GetString()!;
        await run.WaitForEventAsync("worker.ready");
        run.Send(Signal.Interrupt);
        await run.WaitForErrorAsync("once more ends it at once");
        run.Send(Signal.Interrupt);
        (await run.WaitForEndAsync()).Expect(130);
        await WorkerProcesses.WaitForEndAsync(WorkerProcesses.Of(runId));
        WorkerProcesses.ExpectNone(runId);
    }

    public void Dispose() => _folder.Dispose();
}
