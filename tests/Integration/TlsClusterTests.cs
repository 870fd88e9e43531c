using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>A cluster whose every connection has certificates of its own authority, as `certs init` makes them.</summary>
public sealed class TlsClusterTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Submit_OverMutualTls_TrainsAndWhoHasNoCertificateIsRefused()
    {
        var certs = _folder.New("certs");
        (await Command.RunAsync("certs", "init", "--out", certs)).Expect(0);
        string[] Files(string name) => ["--tls-cert", Path.Combine(certs, $"{name}.pem"), "--tls-key", Path.Combine(certs, $"{name}.key"), "--tls-ca", Path.Combine(certs, "ca.pem")];
        await using var coordinator = Command.Start(["coordinator", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--runs", _folder.New("runs"), .. Files("coordinator")]);
        var address = "https://" + Cluster.ReadAddresses(await coordinator.WaitForErrorAsync("listens on")).Grpc;
        await using var worker = Command.Start(["worker", "--coordinator", address, .. Files("worker")]);
        await coordinator.WaitForErrorAsync("Worker w-1 attached");

        var submitted = await Command.RunAsync(Spirals.Command("submit", ["training.steps=5"], ["--format", "json", "--coordinator", address, .. Files("client")]));
        Assert.Equal("succeeded", submitted.Expect(0).Text("state"));

        // By the environment as well as by options.
        var named = new CommandPlace
        {
            Environment = new Dictionary<string, string>
            {
                ["ORCHESTRATOR_ADDRESS"] = address, ["ORCHESTRATOR_TLS_CERT"] = Path.Combine(certs, "client.pem"), ["ORCHESTRATOR_TLS_KEY"] = Path.Combine(certs, "client.key"),
                ["ORCHESTRATOR_TLS_CA"] = Path.Combine(certs, "ca.pem"),
            },
        };
        (await Command.RunAsync(named, "status")).Expect(0);
        (await Command.RunAsync("status", "--coordinator", address, "--tls-ca", Path.Combine(certs, "ca.pem"))).Expect(4).ExpectError("No coordinator answers at");
        (await Command.RunAsync("status", "--coordinator", address)).Expect(4).ExpectError("No coordinator answers at");
        (await Command.RunAsync("status", "--coordinator", address["https://".Length..])).Expect(4);
        await using var stranger = Command.Start("worker", "--coordinator", address);
        await stranger.WaitForErrorAsync("trying again");
        (await worker.EndAsync()).Expect(0);
        (await coordinator.EndAsync()).Expect(0);
        Assert.DoesNotContain("Worker w-2 attached", coordinator.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
