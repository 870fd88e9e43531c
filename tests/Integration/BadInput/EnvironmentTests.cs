using System.Net;
using System.Net.Sockets;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests.BadInput;

/// <summary>What the machine does not give: a port, libtorch, a coordinator.</summary>
public sealed class EnvironmentTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Coordinator_ItsPortIsTaken_NamesPortAndOption()
    {
        using var taken = Listen();
        (await Command.RunAsync("coordinator", "--listen", $"{taken.LocalEndpoint}", "--http", "127.0.0.1:0")).Expect(1).ExpectError($"Port {Port(taken)}", "--listen", "ss -ltnp");
        (await Command.RunAsync("coordinator", "--listen", "127.0.0.1:0", "--http", $"{taken.LocalEndpoint}")).Expect(1).ExpectError($"Port {Port(taken)}", "--http");
    }

    [Fact]
    public async Task Worker_ItsPortIsTaken_NamesPortAndOption()
    {
        using var taken = Listen();
        (await Command.RunAsync("worker", "--listen", $"{taken.LocalEndpoint}")).Expect(1).ExpectError($"{Port(taken)}", "--listen");
        (await Command.RunAsync("worker", "--metrics", $"{taken.LocalEndpoint}")).Expect(1).ExpectError($"{Port(taken)}", "--metrics");
    }

    [Theory]
    [InlineData("coordinator", "--listen", "0.0.0.0:0", 5)]
    [InlineData("coordinator", "--http", "0.0.0.0:0", 5)]
    [InlineData("worker", "--listen", "0.0.0.0:0", 5)]
    public async Task Listen_WhereOthersReachItWithoutInsecure_IsNotAllowed(string verb, string option, string address, int exitCode) =>
        (await Command.RunAsync(verb, option, address)).Expect(exitCode).ExpectError("--insecure");

    [Fact]
    public async Task Ask_NoCoordinatorThere_ExitsWith4AndSaysHowToStartOne()
    {
        using var free = Listen();
        var address = $"127.0.0.1:{Port(free)}";
        free.Stop();
        foreach (var verb in new[] { "status", "workers" })
        {
            (await Command.RunAsync(verb, "--coordinator", address)).Expect(4).ExpectError(address, "./orchestrator coordinator");
        }

        (await Command.RunAsync(Spirals.Command("submit", [], "--coordinator", address))).Expect(4).ExpectError(address);
    }

    [Fact]
    public async Task Run_TheShimIsNowhere_SaysWhatIsMissing()
    {
        var place = new CommandPlace { Environment = new Dictionary<string, string> { ["ORCHESTRATOR_TORCH_SHIM"] = "/nowhere/liborchestrator_torch.so" } };
        (await Command.RunAsync(place, Spirals.Command("run", ["training.steps=3"], "--out", _folder.New("run")))).Expect(1).ExpectError("/nowhere/liborchestrator_torch.so");
    }

    public void Dispose() => _folder.Dispose();

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;
}
