using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Coordinator and a worker on one host, a worker on the other, submit from the second: the bits of a local run.</summary>
public sealed class TwoHostsTests : IDisposable
{
    private static readonly string[] Job = ["examples/char-gpt.yaml", "--set", "training.steps=2", "--set", "evaluation.everySteps=0", "--workers", "2", "--format", "json"];

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Submit_FromTheSecondOfTwoHosts_GivesTheHashOfTheLocalRun()
    {
        await using var hosts = await TwoHosts.StartAsync(_folder);
        const string Coordinator = $"{TwoHosts.FirstAddress}:7070";
        await using var coordinator = Command.Start(
            hosts.First, "coordinator", "--listen", Coordinator, "--http", $"{TwoHosts.FirstAddress}:7071", "--insecure", "--runs", _folder.New("runs"));
        await coordinator.WaitForErrorAsync("without encryption");
        await using var first = Command.Start(hosts.First, "worker", "--coordinator", Coordinator, "--listen", $"{TwoHosts.FirstAddress}:0", "--insecure");
        await using var second = Command.Start(hosts.Second, "worker", "--coordinator", Coordinator, "--listen", $"{TwoHosts.SecondAddress}:0", "--insecure");
        await coordinator.WaitForErrorAsync("Worker w-2 attached");
        await second.WaitForErrorAsync("--insecure");

        var submitted = await Command.RunAsync(hosts.Second, ["submit", .. Job, "--set", "workers.min=2", "--coordinator", Coordinator]);
        var local = await Command.RunAsync(["run", .. Job, "--out", _folder.New("local")]);
        Assert.Equal(2, submitted.Expect(0).Json.GetProperty("workers").GetInt32());
        Assert.Equal(local.Expect(0).WeightsSha256, submitted.WeightsSha256);
        (await second.EndAsync()).Expect(0);
        (await first.EndAsync()).Expect(0);
        (await coordinator.EndAsync()).Expect(0);
    }

    public void Dispose() => _folder.Dispose();
}
