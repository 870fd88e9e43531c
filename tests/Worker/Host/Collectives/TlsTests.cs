using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Bulk;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Host.Collectives;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>TLS between workers: who has a certificate of the authority gets in, and nobody else.</summary>
public sealed class TlsTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TestAuthority _authority = new("workers");
    private readonly TestAuthority _stranger = new("strangers");
    private readonly List<string> _logged = [];

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Theory]
    [InlineData("tcp")]
    [InlineData("auto")]
    public async Task AllReduce_WithTls_IsTheSum(string transport)
    {
        using var security = _authority.Load("worker");
        using var cluster = new Cluster(3, 8, 65_537, transport, pieceElements: 8192, buckets: 2, security: () => security);
        for (var step = 1; step <= 2; step++)
        {
            await Task.WhenAll(cluster.Members.Select(member => Task.Factory.StartNew(
                () => member.Step(step, node => [.. Enumerable.Repeat((float)node.Length, 65_537)]), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))).WaitAsync(Limit);
            Assert.All(cluster.Members, member => Assert.Equal(-1, member.Reduced.IndexOfAnyExcept(8f)));
        }

        Assert.Empty(cluster.Logged);
    }

    /// <summary>A handshake that was under way when a worker ended took the whole process down.</summary>
    [Fact]
    public void Server_AHandshakeAfterItsEnd_IsRefusedInOrder()
    {
        var security = _authority.Load("worker");
        using var peer = X509CertificateLoader.LoadCertificateFromFile(_authority.Sign("peer").Certificate);
        var check = security.Server().RemoteCertificateValidationCallback!;
        security.Dispose();
        Assert.Throws<AuthenticationException>(() => check(this, peer, null, SslPolicyErrors.None));
    }

    [Fact]
    public async Task Server_PeerWithoutCertificate_IsRefused()
    {
        using var security = _authority.Load("worker");
        using var server = Listen(security);
        var trusting = new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", RemoteCertificateValidationCallback = (_, _, _, _) => true };
        Assert.NotNull(await Refusal(server, trusting));
        Assert.Contains("the peer has no certificate; start it with --tls-cert", Logged(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_PeerOfAnotherAuthority_IsRefused()
    {
        using var security = _authority.Load("worker");
        using var server = Listen(security);
        using var other = _stranger.Load("intruder");
        var options = other.Client("127.0.0.1");
        // It trusts us; we do not trust it.
        options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        Assert.NotNull(await Refusal(server, options));
        Assert.Contains("\"CN=intruder\" of \"CN=strangers\"", Logged(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_PeerWithoutTls_IsRefused()
    {
        using var security = _authority.Load("worker");
        using var server = Listen(security);
        Assert.NotNull(await Refusal(server, null));
        Assert.Contains("TLS handshake", Logged(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Link_PeerOfAnotherAuthority_IsNotSpokenTo()
    {
        using var security = _authority.Load("worker");
        using var stranger = _stranger.Load("impostor");
        using var server = Listen(stranger);
        Assert.Contains("\"CN=impostor\" of \"CN=strangers\"", await Refusal(server, security.Client("127.0.0.1")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Link_PeerWhoseCertificateIsForAnotherAddress_IsNotSpokenTo()
    {
        using var security = _authority.Load("worker");
        using var elsewhere = _authority.Load("elsewhere", "10.1.2.3");
        using var server = Listen(elsewhere);
        Assert.Contains(
            "the certificate \"CN=elsewhere\" is not for 127.0.0.1; its subjectAltName must hold", await Refusal(server, security.Client("127.0.0.1")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ClientThatOffersHttp2_ChoosesItByAlpn()
    {
        using var security = _authority.Load("worker");
        using var server = Listen(security);
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.TcpEndPoint).WaitAsync(Limit);
        using var tls = new SslStream(socket.GetStream());
        var options = security.Client("127.0.0.1");
        options.ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2];
        await tls.AuthenticateAsClientAsync(options).WaitAsync(Limit);
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        Assert.True(tls.IsMutuallyAuthenticated);
    }

    /// <summary>Certificates live for a year, and a run may outlive them: a new pair of files counts from the next connection on, and open ones go on.</summary>
    [Fact]
    public async Task Server_ItsFilesChange_ShowsTheNewCertificateToTheNextPeer()
    {
        using var client = _authority.Load("client");
        var (certificate, key) = _authority.Sign("worker");
        var notes = new List<string>();
        var source = new TlsSource(new TlsFiles(certificate, key, _authority.Path), notes.Add, new Seconds());
        using var server = Listen(() => source.Current);
        var first = await SerialAsync(server, client);
        Assert.Equal(first, await SerialAsync(server, client));

        _authority.Sign("worker");

        Assert.NotEqual(first, await SerialAsync(server, client));
        Assert.Equal($"The certificate in {certificate} was read again.", Assert.Single(notes));
    }

    [Fact]
    public void Load_FilesThatDoNotFit_SaysWhich()
    {
        var (certificate, key) = _authority.Sign("worker");
        var (_, otherKey) = _authority.Sign("other");
        var (expired, expiredKey) = _authority.Sign("expired", validDays: 0);
        var (serverOnly, serverKey) = _authority.Sign("server", isForBoth: false);
        Assert.StartsWith("--tls-ca /nowhere/ca.pem does not give certificates: ", Problem(certificate, key, "/nowhere/ca.pem"));
        Assert.StartsWith($"--tls-ca {key} holds no certificate", Problem(certificate, key, key));
        Assert.StartsWith($"--tls-key {otherKey} does not give the private key of {certificate}: ", Problem(certificate, otherKey, _authority.Path));
        Assert.StartsWith($"--tls-cert {certificate} cannot be used with --tls-ca {_stranger.Path}: \"CN=worker\" of \"CN=workers\"", Problem(certificate, key, _stranger.Path));
        Assert.StartsWith($"--tls-cert {expired} cannot be used", Problem(expired, expiredKey, _authority.Path));
        Assert.StartsWith($"--tls-cert {serverOnly} cannot be used", Problem(serverOnly, serverKey, _authority.Path));

        static string Problem(string certificate, string key, string authority) => Assert.Throws<IOException>(() => PeerSecurity.Load(new TlsFiles(certificate, key, authority))).Message;
    }

    private CollectiveServer Listen(PeerSecurity security) => Listen(() => security);

    private CollectiveServer Listen(Func<PeerSecurity> security) => new(new IPEndPoint(IPAddress.Loopback, 0), Log, security);

    private static async Task<string> SerialAsync(CollectiveServer server, PeerSecurity client)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.TcpEndPoint).WaitAsync(Limit);
        using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(client.Client("127.0.0.1")).WaitAsync(Limit);
        return tls.RemoteCertificate!.GetSerialNumberString();
    }

    /// <summary>A second on at each look, so that files are looked at each time.</summary>
    private sealed class Seconds : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref _seconds);
    }

    /// <summary>What a link that tries to push learns.</summary>
    private static async Task<string> Refusal(CollectiveServer server, SslClientAuthenticationOptions? tls)
    {
        var lost = new Loss();
        try
        {
            using var link = await Task.Run(() => BulkLink.Connect(server.TcpEndPoint, new BulkCall("run", 1, 0), lost, new BulkLinkOptions { Tls = tls }));
            link.Send(new BulkHeader(1, 1, 0, BulkPhase.Reduce, 0, 1, 0, 1, 0), 0);
            link.Flush();
            return await lost.Reason.WaitAsync(Limit);
        }
        catch (BulkLinkException error)
        {
            return error.Message;
        }
    }

    private void Log(string line)
    {
        lock (_logged)
        {
            _logged.Add(line);
            Monitor.PulseAll(_logged);
        }
    }

    /// <summary>The server's first sentence, which may come behind the client's end.</summary>
    private string Logged()
    {
        lock (_logged)
        {
            Assert.True(_logged.Count > 0 || Monitor.Wait(_logged, Limit), "The server said nothing.");
            return _logged[0];
        }
    }

    private sealed class Loss : IBulkLinkEvents
    {
        private readonly TaskCompletionSource<string> _reason = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> Reason => _reason.Task;

        public void Sent(in BulkHeader header, object? state)
        {
        }

        public void Lost(string reason) => _reason.TrySetResult(reason);
    }
}
