using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Bulk.Tests;

/// <summary>Where a server listens and who gets in: socket files, TLS, several peers at once.</summary>
public sealed class ListenTests : IDisposable
{
    private const int Mebibyte = 1024 * 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("bulk").FullName;

    private string SocketPath => Path.Combine(_folder, "s");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Tls_OurLinkAndServer_AgreeOnHttp2AndPush()
    {
        using var certificate = SelfSigned();
        using var pair = new Pair(options: new BulkServerOptions { Tls = () => new SslServerAuthenticationOptions { ServerCertificate = certificate } });
        using var link = pair.Connect(options: new BulkLinkOptions { Tls = Trusting(certificate) });
        using var payload = new Payload(3 * Mebibyte, 1);
        link.Send(Pair.Header(payload.Bytes), payload.Address);
        Assert.Equal(1, await link.Complete().WaitAsync(Wait.Limit));
        Assert.Equal(Payload.Expected(payload.Bytes, 1), pair.Receiver.Next().Payload);
    }

    [Fact]
    public async Task TlsServer_ClientThatOffersHttp2_ChoosesIt()
    {
        // Without an agreement on "h2" by ALPN, RFC 9113 (section 3.2) lets a peer hang up, and gRPC's libraries do.
        using var certificate = SelfSigned();
        using var pair = new Pair(options: new BulkServerOptions { Tls = () => new SslServerAuthenticationOptions { ServerCertificate = certificate } });
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)pair.Address).WaitAsync(Wait.Limit);
        using var tls = new SslStream(client.GetStream());
        var options = Trusting(certificate);
        options.ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2];
        await tls.AuthenticateAsClientAsync(options).WaitAsync(Wait.Limit);
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
    }

    [Fact]
    public async Task TlsLink_ServerThatKnowsHttp2_OffersIt()
    {
        using var certificate = SelfSigned();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepted = Task.Run(async () =>
        {
            using var server = await listener.AcceptTcpClientAsync();
            using var tls = new SslStream(server.GetStream());
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ApplicationProtocols = [SslApplicationProtocol.Http11, SslApplicationProtocol.Http2],
            });
            return tls.NegotiatedApplicationProtocol;
        });
        using var link = BulkLink.Connect(listener.LocalEndpoint, Pair.Call, new LinkLog(), new BulkLinkOptions { Tls = Trusting(certificate) });
        Assert.Equal(SslApplicationProtocol.Http2, await accepted.WaitAsync(Wait.Limit));
    }

    [Fact]
    public void TlsLink_ServerItDoesNotTrust_SaysSo()
    {
        using var certificate = SelfSigned();
        using var pair = new Pair(options: new BulkServerOptions { Tls = () => new SslServerAuthenticationOptions { ServerCertificate = certificate } });
        var error = Assert.Throws<BulkLinkException>(() => pair.Connect(options: new BulkLinkOptions { Tls = new SslClientAuthenticationOptions { TargetHost = "localhost" } }));
        Assert.IsType<AuthenticationException>(error.InnerException!.InnerException);
        Assert.Contains("TLS handshake", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TlsServer_ClientThatSpeaksPlainly_IsLeftAndOthersAreServed()
    {
        using var certificate = SelfSigned();
        using var pair = new Pair(options: new BulkServerOptions { Tls = () => new SslServerAuthenticationOptions { ServerCertificate = certificate } });
        using (var plain = RawPeer.Open(pair))
        {
            while (plain.Read() is not null)
            {
                // An alert of TLS, perhaps; then the end.
            }
        }

        using var link = pair.Connect(options: new BulkLinkOptions { Tls = Trusting(certificate) });
        link.Send(Pair.Header(0), 0);
        Assert.Equal(1, Wait.For(link.Complete(), "The summary"));
    }

    [Fact]
    public void UnixPath_SocketFile_IsForThisUserOnlyAndGoesWithTheServer()
    {
        using (Listen())
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
            }
        }

        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public void UnixPath_SocketOfADeadProcess_IsReplaced()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // .NET removes the file of a socket that it bound, so the dead one is moved to where ours is to be.
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath + "-dead"));
            File.Move(SocketPath + "-dead", SocketPath);
        }

        using var server = Listen();
        using var link = BulkLink.Connect(BulkAddress.Parse($"unix:{SocketPath}"), Pair.Call, new LinkLog());
        Assert.Null(link.LostReason);
    }

    [Fact]
    public void UnixPath_SocketOfALiveProcess_IsLeftToIt()
    {
        using var first = Listen();
        var error = Assert.Throws<IOException>(Listen);
        Assert.Contains("Another process listens", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(SocketPath));
    }

    [Fact]
    public void UnixPath_FileThatIsNoSocket_IsNotTouched()
    {
        File.WriteAllText(SocketPath, "precious");
        Assert.Throws<IOException>(Listen);
        Assert.Equal("precious", File.ReadAllText(SocketPath));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Peers_FifteenAtOnce_AllArrive(bool isUnix)
    {
        const int Peers = 15;
        var collectors = Enumerable.Range(0, Peers).Select(_ => new Collector()).ToArray();
        using var pair = new Pair(isUnix, resolver: (call, _) => ValueTask.FromResult<IBulkReceiver>(collectors[call.Sender]));
        Parallel.For(0, Peers, new ParallelOptions { MaxDegreeOfParallelism = Peers }, peer =>
        {
            using var link = BulkLink.Connect(pair.Address, Pair.Call with { Sender = peer }, new LinkLog());
            using var payload = new Payload(Mebibyte, peer);
            for (var step = 0; step < 3; step++)
            {
                link.Send(Pair.Header(payload.Bytes, step), payload.Address);
            }

            Assert.Equal(3, Wait.For(link.Complete(), $"The summary of peer {peer}"));
        });
        for (var peer = 0; peer < Peers; peer++)
        {
            Assert.All(Enumerable.Range(0, 3), step => Assert.Equal(Payload.Expected(Mebibyte, peer), collectors[peer].Next().Payload));
            collectors[peer].Dispose();
        }
    }

    [Fact]
    public void Peer_WhoseMessagesNobodyTakes_DoesNotHoldUpAnother()
    {
        using var gate = new SemaphoreSlim(0);
        using var slow = new Collector { OnReserve = _ => gate.Wait() };
        using var quick = new Collector();
        using var pair = new Pair(resolver: (call, _) => ValueTask.FromResult<IBulkReceiver>(call.Sender == 0 ? slow : quick));
        using var payload = new Payload(16 * Mebibyte, 1);
        using var held = BulkLink.Connect(pair.Address, Pair.Call with { Sender = 0 }, new LinkLog());
        using var free = BulkLink.Connect(pair.Address, Pair.Call with { Sender = 1 }, new LinkLog());
        held.Send(Pair.Header(payload.Bytes), payload.Address);
        free.Send(Pair.Header(payload.Bytes), payload.Address);
        Assert.Equal(1, Wait.For(free.Complete(), "The summary of the peer that is served"));
        gate.Release();
        Assert.Equal(1, Wait.For(held.Complete(), "The summary of the slow peer"));
    }

    [Fact]
    public void Peer_ThatConnectsAndSaysNothing_DoesNotHoldUpAnother()
    {
        using var certificate = SelfSigned();
        using var pair = new Pair(options: new BulkServerOptions { Tls = () => new SslServerAuthenticationOptions { ServerCertificate = certificate } });
        using var silent = RawPeer.Connect(pair.Address);
        using var link = pair.Connect(options: new BulkLinkOptions { Tls = Trusting(certificate) });
        link.Send(Pair.Header(0), 0);
        Assert.Equal(1, Wait.For(link.Complete(), "The summary"));
    }

    private static SslClientAuthenticationOptions Trusting(X509Certificate2 certificate) => new()
    {
        TargetHost = "localhost",
        RemoteCertificateValidationCallback = (_, seen, _, _) => seen!.GetCertHashString() == certificate.GetCertHashString(),
    };

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private BulkServer Listen() => new(
        new BulkServerOptions { UnixPath = SocketPath }, (_, _) => ValueTask.FromResult<IBulkReceiver>(new Collector()));
}
