using System.Text.RegularExpressions;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>A coordinator and standing workers, each started by its own command, on loopback and free ports.</summary>
internal sealed partial class Cluster : IAsyncDisposable
{
    private readonly List<RunningCommand> _workers = [];

    private readonly string[] _command;

    private Cluster(string[] command, string runs, RunningCommand coordinator, string grpc, string http) => (_command, Runs, Coordinator, Grpc, Http) = (command, runs, coordinator, grpc, http);

    /// <summary>The folder of the run folders.</summary>
    public string Runs { get; }

    public RunningCommand Coordinator { get; private set; }

    public IReadOnlyList<RunningCommand> Workers => _workers;

    /// <summary>host:port for workers and commands.</summary>
    public string Grpc { get; }

    /// <summary>host:port of /metrics and /targets.</summary>
    public string Http { get; }

    /// <param name="folder">Takes the run folders.</param>
    /// <param name="workers">How many, without options of their own.</param>
    /// <param name="port">Of the coordinator; 0: any free one.</param>
    /// <returns>When all workers are attached, in this order: w-1, w-2, ...</returns>
    public static async Task<Cluster> StartAsync(TestFolder folder, int workers, int port = 0)
    {
        var runs = folder.New("runs");
        string[] command = ["coordinator", "--listen", $"127.0.0.1:{port}", "--http", "127.0.0.1:0", "--runs", runs];
        var coordinator = Command.Start(command);
        var (grpc, http) = ReadAddresses(await coordinator.WaitForErrorAsync("listens on"));
        var cluster = new Cluster(command, runs, coordinator, grpc, http);
        for (var i = 0; i < workers; i++)
        {
            await cluster.AddWorkerAsync();
        }

        return cluster;
    }

    /// <summary>Runs a verb that asks this coordinator.</summary>
    public Task<CommandResult> AskAsync(params string[] arguments) => Command.RunAsync([.. arguments, "--coordinator", Grpc]);

    /// <summary>A coordinator that has just started listens a moment before it has taken the runs over, and says so to whoever asks meanwhile.</summary>
    public async Task<CommandResult> AskWhenItOwnsAsync(params string[] arguments)
    {
        var until = DateTimeOffset.UtcNow + RunningCommand.Limit;
        while (true)
        {
            var result = await AskAsync(arguments);
            if (result.ExitCode != 4 || DateTimeOffset.UtcNow > until)
            {
                return result;
            }
        }
    }

    /// <returns>When it is attached.</returns>
    public async Task AddWorkerAsync(params string[] options)
    {
        _workers.Add(Command.Start(["worker", "--coordinator", Grpc, .. options]));
        await Coordinator.WaitForErrorAsync($"Worker w-{_workers.Count} attached");
    }

    /// <summary>As a crash of its process and a supervisor that starts it again.</summary>
    public async Task KillAndRestartCoordinatorAsync()
    {
        Coordinator.Send(Signal.Kill);
        await Coordinator.WaitForEndAsync();
        await Coordinator.DisposeAsync();
        Coordinator = Command.Start(_command);
        await Coordinator.WaitForErrorAsync("listens on");
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
