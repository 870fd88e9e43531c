using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Tests;

/// <summary>Real worker processes, told what to do by a scripted coordinator.</summary>
public sealed class WorkerProcessTests : IDisposable
{
    private static readonly Generation First = new(1);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("worker-tests-");

    [Fact]
    public async Task Train_OneTwoAndThreeWorkers_AllEndWithTheSameHash()
    {
        var hashes = new[] { await Train(1), await Train(2), await Train(3) };
        Assert.Single(hashes.Distinct());
    }

    [Fact]
    public async Task Train_TwoWorkersOverTls_EndWithTheHashOfOne()
    {
        using var authority = new Collectives.TestAuthority("workers");
        var (certificate, key) = authority.Sign("worker");
        Assert.Equal(await Train(1), await Train(2, transport: "tcp", "--tls-cert", certificate, "--tls-key", key, "--tls-ca", authority.Path));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<string> Train(int workers, string transport = "auto", params string[] arguments)
    {
        await using var coordinator = await ScriptedCoordinator.StartAsync(workers, arguments);
        var prepared = await coordinator.ActivateAsync(Prepare(transport), logicalRanks: 4, lastStep: 5);
        Assert.Single(prepared.Select(answer => answer.CanarySha256).Distinct());
        Assert.Single(prepared.Select(answer => answer.StateSha256).Distinct());
        var finished = new List<WorkerMessage.Finished>();
        for (var i = 0; i < workers; i++)
        {
            finished.Add(await coordinator.Next<WorkerMessage.Finished>());
        }

        Assert.Equal(5 * 8, finished.Sum(worker => worker.Samples));
        coordinator.Tell(new CoordinatorMessage.Release("done"));
        Assert.All(coordinator.Processes, process => Assert.True(process.WaitForExit(15_000)));
        Assert.All(coordinator.Processes, process => Assert.Equal(0, process.ExitCode));
        return Assert.Single(finished.Select(worker => worker.WeightsSha256).Distinct());
    }

    private CoordinatorMessage.Prepare Prepare(string transport) => new(new RunId("test"), First, JobSpecJson.Write(Job() with { AllReduce = new AllReduceSpec { Transport = transport } }), "avx2", Path.Combine(_folder.FullName, Guid.NewGuid().ToString("N")), null);

    private JobSpec Job()
    {
        var text = Path.Combine(_folder.FullName, "text.txt");
        File.WriteAllText(text, string.Concat(Enumerable.Range(0, 4000).Select(i => (char)('a' + (i * i % 23)))));
        return new JobSpec
        {
            Name = "tiny-gpt",
            ProjectRoot = _folder.FullName,
            Model = new GptSpec { Layers = 1, Heads = 2, Width = 16, Context = 16, Dropout = 0.1 },
            Data = new TextDataSpec([text]),
            Training = new TrainingSpec { Steps = 5, GlobalBatch = 8, LogicalRanks = 4, ClipNorm = 1 },
            Workers = new WorkersSpec { Device = "cpu" },
        };
    }
}
