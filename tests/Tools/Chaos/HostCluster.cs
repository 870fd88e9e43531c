using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>
/// A standing cluster on hosts of its own: each worker in a network namespace with a cable to a switch, at which the coordinator sits too. There is one
/// worker more than the run wishes for, so that one can join. Needs root and iproute2.
/// </summary>
internal sealed class HostCluster : ICluster
{
    // From the range for benchmarks between networks (RFC 2544): no real host here has such an address.
    private const string Network = "198.18.72";
    private const string Hub = $"{Network}.1";
    private const int FirstHost = 10;
    private const string Switch = "switch";
    private const string Coordinator = $"{Hub}:7070";

    /// <summary>For the coordinator to listen, on a machine that is far too busy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    private readonly string _folder;
    private readonly int _hosts;
    private readonly string[] _submit;
    private readonly string _prefix = $"chaos{Environment.ProcessId}";
    private readonly StandingWorkers _workers;
    private Process? _coordinator;

    /// <param name="folder">For logs and the hosts' temporary files.</param>
    /// <param name="workers">The run wishes for.</param>
    /// <param name="submit">Arguments of `submit`, without the coordinator's address.</param>
    public HostCluster(string folder, int workers, IEnumerable<string> submit)
    {
        (_folder, _hosts, _submit) = (folder, workers + 1, [.. submit]);
        _workers = new StandingWorkers((host, start) => InNamespace(
            Name(host), $"worker-{host}.{start}", "Orchestrator.Worker", "worker", "--coordinator", Coordinator, "--listen", $"{Address(host)}:0", "--insecure"));
    }

    public async Task<Task<(int Code, JsonElement? Result)>> StartAsync()
    {
        Directory.CreateDirectory(_folder);
        // The programs that are started inherit it: tokens go to another host only when they are named.
        Environment.SetEnvironmentVariable("ORCHESTRATOR_TOKEN_FILE", Path.Combine(_folder, "tokens"));
        await MakeNetworkAsync();
        _coordinator = InNamespace(Name(null), "coordinator", "Orchestrator.Coordinator", "coordinator", "--listen", Coordinator, "--http", $"{Hub}:7071", "--insecure", "--runs", _folder);
        _workers.Start(_hosts);
        return RunAsync();
    }

    public Task<(int Code, JsonElement? Result)> AskAsync(params string[] command) =>
        RunProgram.RunAsync(["ip", "netns", "exec", Name(null)], "Orchestrator.Coordinator", [.. command, "--coordinator", Coordinator]);

    public Task SetCutAsync(int pid, bool isCut) =>
        SystemTool.RunAsync("ip", "-n", Name(null), "link", "set", Port(_workers.NumberOf(pid)), isCut ? "down" : "up");

    public async ValueTask DisposeAsync()
    {
        await _workers.DisposeAsync();
        if (_coordinator is not null)
        {
            await RunProgram.StopAsync(_coordinator);
        }

        foreach (var name in Enumerable.Range(0, _hosts).Select(host => Name(host)).Append(Name(null)))
        {
            await SystemTool.TryRunAsync("ip", "netns", "del", name);
        }

        _coordinator?.Dispose();
    }

    private async Task<(int Code, JsonElement? Result)> RunAsync()
    {
        // The coordinator opens its port after it has read its options; a submit before that is refused.
        var (log, startedAt) = (Path.Combine(_folder, "coordinator.log"), Stopwatch.GetTimestamp());
        while (!(await ReadAsync(log)).Contains(Coordinator, StringComparison.Ordinal))
        {
            if (_coordinator!.HasExited)
            {
                throw new ToolException($"The coordinator ended with exit code {_coordinator.ExitCode} before it listened at {Coordinator}: {(await ReadAsync(log)).Trim()}", ExitCodes.Failed);
            }

            if (Stopwatch.GetElapsedTime(startedAt) > Patience)
            {
                throw new ToolException($"After {Patience.TotalSeconds:0} s the coordinator does not listen at {Coordinator}. Its log is {log}.", ExitCodes.Failed);
            }

            await Task.Delay(Look, Interruption.Token);
        }

        return await AskAsync(["submit", .. _submit]);
    }

    private async Task MakeNetworkAsync()
    {
        var hub = Name(null);
        await SystemTool.RunAsync("ip", "netns", "add", hub);
        await SystemTool.RunAsync("ip", "-n", hub, "link", "set", "lo", "up");
        await SystemTool.RunAsync("ip", "-n", hub, "link", "add", Switch, "type", "bridge");
        await SystemTool.RunAsync("ip", "-n", hub, "addr", "add", $"{Hub}/24", "dev", Switch);
        await SystemTool.RunAsync("ip", "-n", hub, "link", "set", Switch, "up");
        for (var host = 0; host < _hosts; host++)
        {
            await SystemTool.RunAsync("ip", "netns", "add", Name(host));
            await SystemTool.RunAsync("ip", "link", "add", Port(host), "netns", hub, "type", "veth", "peer", "name", "eth0", "netns", Name(host));
            await SystemTool.RunAsync("ip", "-n", hub, "link", "set", Port(host), "master", Switch, "up");
            await SystemTool.RunAsync("ip", "-n", Name(host), "addr", "add", $"{Address(host)}/24", "dev", "eth0");
            await SystemTool.RunAsync("ip", "-n", Name(host), "link", "set", "eth0", "up");
            await SystemTool.RunAsync("ip", "-n", Name(host), "link", "set", "lo", "up");
        }
    }

    /// <summary>Starts a program on a host.</summary>
    private Process InNamespace(string name, string log, string program, params string[] arguments)
    {
        // Processes of one host find each other's sockets in the temporary folder; those of two must not.
        var temporary = Path.Combine(_folder, name);
        Directory.CreateDirectory(temporary);
        return RunProgram.StartLogged(["ip", "netns", "exec", name], Path.Combine(_folder, $"{log}.log"), program, arguments, temporary);
    }

    /// <returns>Nothing while the file is not there.</returns>
    private static async Task<string> ReadAsync(string path)
    {
        if (!File.Exists(path))
        {
            return "";
        }

        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return await reader.ReadToEndAsync();
    }

    /// <param name="host">Null: the switch's.</param>
    private string Name(int? host) => host is { } number ? string.Create(CultureInfo.InvariantCulture, $"{_prefix}-{number}") : $"{_prefix}-hub";

    private static string Port(int host) => string.Create(CultureInfo.InvariantCulture, $"port{host}");

    private static string Address(int host) => string.Create(CultureInfo.InvariantCulture, $"{Network}.{FirstHost + host}");
}
