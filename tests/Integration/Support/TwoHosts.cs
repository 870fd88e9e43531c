namespace Orchestrator.Integration.Tests.Support;

/// <summary>Two hosts as the network sees them: two network namespaces with a cable between them. Each has its own loopback and temporary folder.</summary>
internal sealed class TwoHosts : IAsyncDisposable
{
    // From the range for benchmarks between networks (RFC 2544): no real host here has such an address.
    public const string FirstAddress = "198.18.71.1";
    public const string SecondAddress = "198.18.71.2";

    private readonly string _ip;
    private readonly string[] _names;

    private TwoHosts(string ip, string[] names, TestFolder folder)
    {
        (_ip, _names) = (ip, names);
        (First, Second) = (Place(0, folder), Place(1, folder));
    }

    public CommandPlace First { get; }

    public CommandPlace Second { get; }

    /// <summary>Needs root and iproute2; a test without them is skipped.</summary>
    public static async Task<TwoHosts> StartAsync(TestFolder folder)
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root may make network namespaces.");
        var ip = Tool.Require("ip", "iproute2");
        var unique = $"{Environment.ProcessId}";
        var hosts = new TwoHosts(ip, [$"orchestrator-{unique}-a", $"orchestrator-{unique}-b"], folder);
        // A link's name has 15 letters at most.
        string[] links = [$"va{unique}", $"vb{unique}"];
        try
        {
            await hosts.RunAsync("netns", "add", hosts._names[0]);
            await hosts.RunAsync("netns", "add", hosts._names[1]);
            await hosts.RunAsync("link", "add", links[0], "netns", hosts._names[0], "type", "veth", "peer", "name", links[1], "netns", hosts._names[1]);
            foreach (var (name, link, address) in new[] { (hosts._names[0], links[0], FirstAddress), (hosts._names[1], links[1], SecondAddress) })
            {
                await hosts.RunAsync("-n", name, "addr", "add", $"{address}/24", "dev", link);
                await hosts.RunAsync("-n", name, "link", "set", link, "up");
                await hosts.RunAsync("-n", name, "link", "set", "lo", "up");
            }
        }
        catch (InvalidOperationException problem)
        {
            await hosts.DisposeAsync();
            Assert.Skip($"No network namespaces can be made here: {problem.Message}");
        }

        return hosts;
    }

    /// <summary>The cable goes with the namespaces.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var name in _names)
        {
            await Tool.RunAsync(_ip, "netns", "del", name);
        }
    }

    private CommandPlace Place(int host, TestFolder folder)
    {
        // Workers of one host find each other's Unix sockets there; these two must not.
        var temporary = folder.New("tmp");
        Directory.CreateDirectory(temporary);
        return new CommandPlace
        {
            Prefix = [_ip, "netns", "exec", _names[host]],
            // The user's own tokens are not sent to another machine in the clear; those of a file that is named are.
            Environment = new Dictionary<string, string> { ["TMPDIR"] = temporary, ["ORCHESTRATOR_TOKEN_FILE"] = Path.Combine(folder.Path, "tokens") },
        };
    }

    private async Task RunAsync(params string[] arguments)
    {
        var (exitCode, output) = await Tool.RunAsync(_ip, arguments);
        if (exitCode != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {output.Trim()}");
        }
    }
}
