using System.Text.RegularExpressions;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>A coordinator and standing workers, each started by its own command, on loopback and free ports.</summary>
internal sealed partial class Cluster : IAsyncDisposable
{
    private readonly List<RunningCommand> _workers = [];

    private Cluster(RunningCommand coordinator, string grpc, string http) => (Coordinator, Grpc, Http) = (coordinator, grpc, http);

    public RunningCommand Coordinator { get; }

    public IReadOnlyList<RunningCommand> Workers => _workers;

    /// <summary>host:port for workers and commands.</summary>
    public string Grpc { get; }

    /// <summary>host:port of /metrics and /targets.</summary>
    public string Http { get; }

    /// <param name="folder">Takes the run folders.</param>
    /// <param name="workers">How many, without options of their own.</param>
    /// <returns>When all workers are attached, in this order: w-1, w-2, ...</returns>
    public static async Task<Cluster> StartAsync(TestFolder folder, int workers)
    {
        var coordinator = Command.Start("coordinator", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--runs", folder.New("runs"));
        var (grpc, http) = ReadAddresses(await coordinator.WaitForErrorAsync("listens on"));
        var cluster = new Cluster(coordinator, grpc, http);
        for (var i = 0; i < workers; i++)
        {
            await cluster.AddWorkerAsync();
        }

        return cluster;
    }

    /// <summary>Runs a verb that asks this coordinator.</summary>
    public Task<CommandResult> AskAsync(params string[] arguments) => Command.RunAsync([.. arguments, "--coordinator", Grpc]);

    /// <returns>When it is attached.</returns>
    public async Task AddWorkerAsync(params string[] options)
    {
        _workers.Add(Command.Start(["worker", "--coordinator", Grpc, .. options]));
        await Coordinator.WaitForErrorAsync($"Worker w-{_workers.Count} attached");
    }

    public static (string Grpc, string Http) ReadAddresses(string line)
    {
        var match = Addresses().Match(line);
        Assert.True(match.Success, line);
        return (match.Groups[1].Value, match.Groups[2].Value);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        await Coordinator.DisposeAsync();
    }

    [GeneratedRegex(@"listens on (\S+) for workers and commands, and on (\S+) for")]
    private static partial Regex Addresses();
}
