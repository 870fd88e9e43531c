namespace Orchestrator.Integration.Tests.Support;

/// <summary>Hosts at a switch as the network sees them: a network namespace each, and one of the switch, at which a coordinator may sit. Each has its own temporary folder.</summary>
internal sealed class SwitchedHosts : IAsyncDisposable
{
    // From the range for benchmarks between networks (RFC 2544): no real host here has such an address.
    private const string Network = "198.18.73";
    private const string Bridge = "switch";

    /// <summary>An address that no host has: what is sent there is lost without a word.</summary>
    private const string Nowhere = "02:00:00:00:00:01";

    private readonly string _ip;
    private readonly int _count;
    private readonly TestFolder _folder;
    private readonly string _unique = $"{Environment.ProcessId}";

    private SwitchedHosts(string ip, int count, TestFolder folder)
    {
        (_ip, _count, _folder) = (ip, count, folder);
        Hub = Place(Name(null));
        Hosts = [.. Enumerable.Range(0, count).Select(host => Place(Name(host)))];
    }

    /// <summary>At the switch.</summary>
    public CommandPlace Hub { get; }

    public IReadOnlyList<CommandPlace> Hosts { get; }

    public static string HubAddress => $"{Network}.1";

    public static string AddressOf(int host) => $"{Network}.{10 + host}";

    /// <summary>Needs root and iproute2; a test without them is skipped.</summary>
    public static async Task<SwitchedHosts> StartAsync(TestFolder folder, int count)
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root may make network namespaces.");
        var hosts = new SwitchedHosts(Tool.Require("ip", "iproute2"), count, folder);
        try
        {
            await hosts.MakeAsync();
        }
        catch (InvalidOperationException problem)
        {
            await hosts.DisposeAsync();
            Assert.Skip($"No network namespaces can be made here: {problem.Message}");
        }

        return hosts;
    }

    /// <summary>From now on nothing that one host sends to the other arrives; the other way stays as it is.</summary>
    public Task CutAsync(int from, int to) => RunAsync("-n", Name(from), "neigh", "replace", AddressOf(to), "lladdr", Nowhere, "dev", "eth0", "nud", "permanent");

    public Task HealAsync(int from, int to) => RunAsync("-n", Name(from), "neigh", "del", AddressOf(to), "dev", "eth0");

    /// <summary>The cables go with the namespaces.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var name in Enumerable.Range(0, _count).Select(host => Name(host)).Append(Name(null)))
        {
            await Tool.RunAsync(_ip, "netns", "del", name);
        }
    }

    private async Task MakeAsync()
    {
        var hub = Name(null);
        await RunAsync("netns", "add", hub);
        await RunAsync("-n", hub, "link", "set", "lo", "up");
        await RunAsync("-n", hub, "link", "add", Bridge, "type", "bridge");
        await RunAsync("-n", hub, "addr", "add", $"{HubAddress}/24", "dev", Bridge);
        await RunAsync("-n", hub, "link", "set", Bridge, "up");
        for (var host = 0; host < _count; host++)
        {
            var (name, port) = (Name(host), $"port{host}");
            await RunAsync("netns", "add", name);
            await RunAsync("link", "add", port, "netns", hub, "type", "veth", "peer", "name", "eth0", "netns", name);
            await RunAsync("-n", hub, "link", "set", port, "master", Bridge, "up");
            await RunAsync("-n", name, "addr", "add", $"{AddressOf(host)}/24", "dev", "eth0");
            await RunAsync("-n", name, "link", "set", "eth0", "up");
            await RunAsync("-n", name, "link", "set", "lo", "up");
        }
    }

    private CommandPlace Place(string name)
    {
        // Workers of one host find each other's Unix sockets there; those of two must not.
        var temporary = _folder.New("tmp");
        Directory.CreateDirectory(temporary);
        return new CommandPlace
        {
            Prefix = [_ip, "netns", "exec", name],
            // The user's own tokens are not sent to another machine in the clear; those of a file that is named are.
            Environment = new Dictionary<string, string> { ["TMPDIR"] = temporary, ["ORCHESTRATOR_TOKEN_FILE"] = Path.Combine(_folder.Path, "tokens") },
        };
    }

    /// <param name="host">Null: the switch's.</param>
    private string Name(int? host) => $"orchestrator-{_unique}-{(host is { } number ? $"{number}" : "hub")}";

    private async Task RunAsync(params string[] arguments)
    {
        var (exitCode, output) = await Tool.RunAsync(_ip, arguments);
        if (exitCode != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {output.Trim()}");
        }
    }
}
