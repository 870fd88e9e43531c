using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Grpc.StandIn.Tests;

/// <summary>TLS each way, with and without a client certificate.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task Unary_WithClientCertificate_ServerKnowsThePeer()
    {
        using var serverCertificate = Certificate("localhost");
        using var clientCertificate = Certificate("worker-7");
        await using var server = await StartAsync(serverCertificate);
        server.Behaviour.Unary = (_, context) => Task.FromResult(new Answer
        {
            Text = $"{context.AuthContext.IsPeerAuthenticated} {string.Join(",", context.AuthContext.FindPropertiesByName("x509_common_name").Select(name => name.Value))}",
        });

        using var known = Channel(server.Address, serverCertificate, clientCertificate);
        using var anonymous = Channel(server.Address, serverCertificate, clientCertificate: null);

        Assert.Equal("True worker-7", (await new Loopback.LoopbackClient(known).UnaryAsync(new Ask())).Text);
        Assert.Equal("False ", (await new Loopback.LoopbackClient(anonymous).UnaryAsync(new Ask())).Text);
    }

    [Fact]
    public async Task Unary_CertificateNotTrusted_IsUnavailableAndSaysWhy()
    {
        using var certificate = Certificate("localhost");
        await using var server = await StartAsync(certificate);
        using var channel = GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions { Credentials = ChannelCredentials.SecureSsl });

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new Loopback.LoopbackClient(channel).UnaryAsync(new Ask()));

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Contains("certificate", failure.Status.Detail, StringComparison.OrdinalIgnoreCase);
    }

    private static Task<LoopbackServer> StartAsync(X509Certificate2 certificate) => LoopbackServer.StartAsync(https: new HttpsConnectionAdapterOptions
    {
        ServerCertificate = certificate,
        ClientCertificateMode = ClientCertificateMode.AllowCertificate,
        ClientCertificateValidation = (_, _, _) => true,
    });

    private static GrpcChannel Channel(Uri address, X509Certificate2 trusted, X509Certificate2? clientCertificate) => GrpcChannel.ForAddress(
        address,
        new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions
                {
                    ClientCertificates = clientCertificate is null ? [] : [clientCertificate],
                    RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null && certificate.GetCertHashString() == trusted.Thumbprint,
                },
            },
        });

    private static X509Certificate2 Certificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);
    }
}
