using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>The disk of a run's folder is full for a while: what its ledger was to have was lost, and `ledger verify` said so when it was too late.</summary>
public sealed class LedgerDiskTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Run_TheDiskOfItsFolderIsFullForAWhile_TrainsOnAndTheLedgerIsWhole()
    {
        using var disk = await SmallDisk.MountAsync(_folder.New("disk"), "8m");
        var runDir = Path.Combine(disk.Path, "run");
        await using var run = Command.Start(Spirals.Command(
            "run", ["training.steps=3000", "checkpoint.everySteps=200", $"checkpoint.dir={_folder.New("checkpoints")}"], "--workers", "2", "--format", "json", "--out", runDir));
        await run.WaitForErrorAsync("logical ranks");
        disk.Fill();
        var failed = await run.WaitForErrorAsync("Writing the ledger");
        Assert.Contains($"{runDir}/ledger failed: the disk is full", failed, StringComparison.Ordinal);
        Assert.Contains("Free some room on that disk.", failed, StringComparison.Ordinal);
        disk.Free();
        await run.WaitForErrorAsync("The ledger is written again");
        Assert.Equal("succeeded", (await run.WaitForEndAsync()).Expect(0).Text("state"));
        (await Command.RunAsync("ledger", "verify", runDir)).Expect(0);
    }

    /// <summary>The coordinator dies with all that it had not written; the workers have kept it for the next one, which finds the disk still full.</summary>
    [Fact]
    public async Task Submit_TheCoordinatorIsKilledWhileTheDiskIsFull_TheLedgerIsWhole()
    {
        const int steps = 6000;
        using var disk = await SmallDisk.MountAsync(_folder.New("disk"), "8m");
        var runDir = Path.Combine(disk.Path, "run");
        await using var cluster = await Cluster.StartAsync(_folder, workers: 2, FreePort.Find());
        var runId = (await cluster.AskAsync(Spirals.Command(
            "submit", [Spirals.Endless, "checkpoint.everySteps=500", $"checkpoint.dir={_folder.New("checkpoints")}"], "--workers", "2", "--stop-after", $"{steps}", "--detach", "--format", "json", "--out", runDir)))
            .Expect(0).Text("runId");
        await cluster.Coordinator.WaitForErrorAsync("checkpoint.saved");
        disk.Fill();
        await cluster.Coordinator.WaitForErrorAsync("Writing the ledger");

        await cluster.KillAndRestartCoordinatorAsync();
        await cluster.Coordinator.WaitForErrorAsync("run.adopted");
        await cluster.Coordinator.WaitForErrorAsync("Writing the ledger");
        disk.Free();
        await cluster.Coordinator.WaitForErrorAsync("The ledger is written again");
        Assert.Equal(0, (await cluster.AskAsync("wait", runId)).ExitCode);
        (await Command.RunAsync("ledger", "verify", runDir)).Expect(0);
    }

    public void Dispose() => _folder.Dispose();
}
