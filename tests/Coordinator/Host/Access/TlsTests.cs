using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Host.Standby;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Tests.Access;

/// <summary>A coordinator with certificates: both ports, both ways, and files that change.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tls-").FullName;
    private readonly CertificateAuthority _authority = CertificateAuthority.Create("own", DateTimeOffset.UtcNow);
    private readonly List<string> _notes = [];
    private readonly SteppedTime _time = new();

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task BothPorts_AClientWithACertificateOfTheAuthority_IsServedAndOthersAreNot()
    {
        await using var server = await StartAsync(Write(_authority, "coordinator", isAuthorityGiven: true));
        using var stranger = CertificateAuthority.Create("stranger", DateTimeOffset.UtcNow);
        var client = Write(_authority, "client", isAuthorityGiven: true) with { IsServer = false };
        var intruder = Write(stranger, "intruder", isAuthorityGiven: true);
        // It believes our authority, and shows a certificate of another.
        intruder = intruder with { Authority = client.Authority };

        Assert.Equal("ok\n", await GetAsync($"https://{server.Http}/healthz", client));
        Assert.Empty((await StatusAsync($"https://{server.Grpc}", client)).Runs);

        var (none, plain) = (client with { Certificate = null, Key = null }, (TlsFiles?)null);
        foreach (var (address, files) in new[] { ("https", none), ("http", plain) })
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => GetAsync($"{address}://{server.Http}/healthz", files));
            await Assert.ThrowsAsync<RpcException>(() => StatusAsync($"{address}://{server.Grpc}", files));
        }

        await Assert.ThrowsAnyAsync<Exception>(() => GetAsync($"https://{server.Http}/healthz", intruder, isChecked: false));
        await Assert.ThrowsAnyAsync<Exception>(() => StatusAsync($"https://{server.Grpc}", intruder, isChecked: false));
    }

    [Fact]
    public async Task WithoutAnAuthority_AClientNeedsNoCertificateButItsToken()
    {
        await using var server = await StartAsync(Write(_authority, "coordinator", isAuthorityGiven: false));
        var client = new TlsFiles(null, null, Path.Combine(_folder, "own.pem"));

        Assert.Equal("ok\n", await GetAsync($"https://{server.Http}/healthz", client));
        Assert.Empty((await StatusAsync($"https://{server.Grpc}", client)).Runs);
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => StatusAsync($"https://{server.Grpc}", client, token: null))).StatusCode);
    }

    [Fact]
    public async Task AClient_OfAServerForAnotherName_SaysWhatItsCertificateIsFor()
    {
        await using var server = await StartAsync(Write(_authority, "coordinator", isAuthorityGiven: false, host: "elsewhere.example"));

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => GetAsync($"https://{server.Http}/healthz", new TlsFiles(null, null, Path.Combine(_folder, "own.pem"))));

        Assert.Contains("is not for 127.0.0.1; its subjectAltName must hold what it is reached by", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStandby_PassesRequestsToTheOwner_OverTlsWithItsOwnCertificate()
    {
        var files = Write(_authority, "coordinator", isAuthorityGiven: true);
        await using var owner = await StartAsync(files);
        var options = OptionsOf(files);
        await using var front = await Front.StartAsync(options, logging => logging.SetMinimumLevel(LogLevel.None));
        using var sight = new OwnerSight($"https://{front.Grpc}", TimeProvider.System, options.Tls);
        await using var standby = await StandbyServer.StartAsync(options, sight, new OwnershipCounts(), logging => logging.SetMinimumLevel(LogLevel.None));
        front.Show(standby.Server);
        sight.See(new Lease("runs", "c-1", $"https://{owner.Grpc}", 1, TimeSpan.FromMinutes(5)), "");
        var client = Write(_authority, "client", isAuthorityGiven: true);

        Assert.Equal($"https://{front.Grpc}", (await StatusAsync($"https://{front.Grpc}", client)).PassedOnBy);
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(() => StatusAsync($"https://{front.Grpc}", client, token: null))).StatusCode);
        await Assert.ThrowsAsync<RpcException>(() => StatusAsync($"https://{front.Grpc}", client with { Certificate = null, Key = null }));
    }

    [Fact]
    public async Task FilesThatChange_AreShownToTheNextConnection_AndBrokenOnesAreNot()
    {
        var files = Write(_authority, "coordinator", isAuthorityGiven: false);
        await using var server = await StartAsync(files);
        var first = await SerialAsync(server);
        Assert.Equal(first, await SerialAsync(server));

        Write(_authority, "coordinator", isAuthorityGiven: false);
        _time.Step(TimeSpan.FromSeconds(2));
        var second = await SerialAsync(server);
        Assert.NotEqual(first, second);
        Assert.Equal($"The certificate in {files.Certificate} was read again.", _notes[^1]);

        File.WriteAllText(files.Key!, "half of a k");
        _time.Step(TimeSpan.FromSeconds(2));
        Assert.Equal(second, await SerialAsync(server));
        Assert.StartsWith($"The changed TLS files cannot be used, and the former ones stay: --tls-key {files.Key} does not give the private key", _notes[^1], StringComparison.Ordinal);
    }

    private TlsFiles Write(CertificateAuthority authority, string name, bool isAuthorityGiven, string host = "127.0.0.1")
    {
        var (certificate, key) = authority.Sign(name, [host]);
        var own = Path.Combine(_folder, ReferenceEquals(authority, _authority) ? "own.pem" : "stranger.pem");
        var files = new TlsFiles(Path.Combine(_folder, $"{name}.pem"), Path.Combine(_folder, $"{name}.key"), isAuthorityGiven ? own : null);
        File.WriteAllText(own, authority.CertificatePem);
        File.WriteAllText(files.Certificate!, certificate);
        File.WriteAllText(files.Key!, key);
        return files;
    }

    private Task<CoordinatorServer> StartAsync(TlsFiles files) => CoordinatorServer.StartAsync(OptionsOf(files), logging => logging.SetMinimumLevel(LogLevel.None));

    private CoordinatorOptions OptionsOf(TlsFiles files) => new()
    {
        Listen = Endpoint.Loopback(0), Http = Endpoint.Loopback(0), RunsFolder = Path.Combine(_folder, "runs"), Access = new AccessOptions { Tokens = TestTokens.Source },
        Tls = new TlsSource(files with { IsClient = false }, _notes.Add, _time),
    };

    private static async Task<string> GetAsync(string url, TlsFiles? files, bool isChecked = true)
    {
        using var http = new HttpClient(HandlerOf(files, isChecked));
        return await http.GetStringAsync(url);
    }

    private static async Task<StatusReply> StatusAsync(string url, TlsFiles? files, bool isChecked = true, Role? token = Role.Viewer)
    {
        using var channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = HandlerOf(files, isChecked), DisposeHttpClient = true });
        return await new Runs.RunsClient(channel.Intercept(token is { } role ? TestTokens.Add(role) : headers => headers)).StatusAsync(new StatusRequest());
    }

    /// <param name="files">Null: plain.</param>
    /// <param name="isChecked">False: a certificate of another authority is shown, which an honest program refuses to begin with.</param>
    private static SocketsHttpHandler HandlerOf(TlsFiles? files, bool isChecked)
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (files is not null && isChecked)
        {
            handler.SslOptions = PeerSecurity.Load(files).Client("127.0.0.1");
        }
        else if (files is not null)
        {
            handler.SslOptions = new SslClientAuthenticationOptions
            {
                TargetHost = "127.0.0.1", RemoteCertificateValidationCallback = (_, _, _, _) => true,
                ClientCertificates = [X509Certificate2.CreateFromPemFile(files.Certificate!, files.Key)],
            };
        }

        return handler;
    }

    private static async Task<string> SerialAsync(CoordinatorServer server)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, server.Http.Port);
        await using var tls = new SslStream(socket.GetStream(), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync("127.0.0.1");
        return tls.RemoteCertificate!.GetSerialNumberString();
    }
}
