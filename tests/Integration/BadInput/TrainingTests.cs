using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests.BadInput;

/// <summary>What goes wrong after the first step: the last good checkpoint is whole, and the last line says why and how to go on. Exit code 1.</summary>
public sealed class TrainingTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_TheLossIsNotFinite_KeepsTheStateBefore()
    {
        var runDir = _folder.New("run");
        var result = (await Command.RunAsync(Spirals.Command(
            "run", ["training.optimizer.kind=sgd", "training.optimizer.learningRate=1000", "training.steps=1000", "checkpoint.everySteps=1"], "--workers", "2", "--format", "json", "--out", runDir))).Expect(1);
        result.ExpectError("The loss of step", "diverged", "learningRate", "--resume");
        Assert.Contains("--resume", result.LastErrorLine);
        (await Command.RunAsync("checkpoint", "verify", runDir)).Expect(0);
    }

    [Fact]
    public async Task Run_TheDiskIsFullDuringACheckpoint_TrainsOnAndTriesTheLastOneUntilAPersonStops()
    {
        // The run's own files are on that disk too: the coordinator once crashed when it closed them.
        using var disk = await SmallDisk.MountAsync(_folder.New("disk"), "220k");
        var runDir = Path.Combine(disk.Path, "run");
        await using var run = Command.Start(Spirals.Command("run", ["training.steps=200", "checkpoint.everySteps=20"], "--workers", "2", "--format", "json", "--out", runDir));
        await run.WaitForErrorAsync("the workers keep the weights and try again");
        var result = (await run.EndAsync()).Expect(1);
        result.ExpectError("the training goes on", "the disk is full", "200 steps are applied", "--resume");
        Assert.Equal(("failed", 200), (result.Text("state"), result.Json.GetProperty("steps").GetInt32()));
        (await Command.RunAsync("checkpoint", "verify", runDir)).Expect(0);
        Assert.All(File.ReadLines(Path.Combine(runDir, "events.jsonl")), line => Assert.EndsWith("}", line));

        var resumed = await Command.RunAsync(Spirals.Command("run", ["training.steps=200"], "--resume", runDir, "--format", "json", "--out", _folder.New("resumed")));
        var quiet = await Command.RunAsync(Spirals.Command("run", ["training.steps=200"], "--format", "json", "--out", _folder.New("quiet")));
        Assert.Equal(quiet.Expect(0).WeightsSha256, resumed.Expect(0).WeightsSha256);
    }

    public void Dispose() => _folder.Dispose();
}
