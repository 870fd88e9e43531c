using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Grpc.StandIn.Tests;

/// <summary>What is not gRPC, not there, or gone.</summary>
public sealed class TransportTests
{
    private static readonly Method<string, string> Web =
        new(MethodType.Unary, "web", "page", Marshallers.StringMarshaller, Marshallers.StringMarshaller);

    [Fact]
    public async Task Unary_NobodyListens_IsUnavailableWithAddressAndCause()
    {
        var port = FreePort.Find();
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");

        using var call = new Loopback.LoopbackClient(channel).UnaryAsync(new Ask());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
        Assert.Contains($"Cannot connect to http://127.0.0.1:{port}/", failure.Status.Detail);
        Assert.Contains("Connection refused", failure.Status.Detail);
        Assert.NotNull(failure.Status.DebugException);
        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseHeadersAsync)).StatusCode);
    }

    [Fact]
    public async Task Streams_NobodyListens_AreUnavailable()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{FreePort.Find()}");
        var client = new Loopback.LoopbackClient(channel);

        using var duplex = client.Duplex();
        using var clientStream = client.ClientStream();
        using var serverStream = client.ServerStream(new Ask());
        RpcException[] failures =
        [
            await Assert.ThrowsAsync<RpcException>(() => duplex.ResponseStream.MoveNext()),
            await Assert.ThrowsAsync<RpcException>(() => duplex.RequestStream.WriteAsync(new Ask())),
            await Assert.ThrowsAsync<RpcException>(() => clientStream.RequestStream.WriteAsync(new Ask())),
            await Assert.ThrowsAsync<RpcException>(async () => await clientStream),
            await Assert.ThrowsAsync<RpcException>(() => serverStream.ResponseStream.MoveNext()),
        ];

        Assert.All(failures, failure => Assert.Equal(StatusCode.Unavailable, failure.StatusCode));
    }

    [Fact]
    public async Task WaitForReady_ServerStartsLater_CallSucceeds()
    {
        var port = FreePort.Find();
        using var channel = GrpcChannel.ForAddress(
            $"http://127.0.0.1:{port}", new GrpcChannelOptions { InitialReconnectBackoff = TimeSpan.FromMilliseconds(20) });
        var options = new CallOptions(deadline: DateTime.UtcNow.AddSeconds(30)).WithWaitForReady();

        using var call = new Loopback.LoopbackClient(channel).UnaryAsync(new Ask { Text = "at last" }, options);

        // A call that does not wait is refused meanwhile, which shows that the first one had nobody to talk to.
        await Assert.ThrowsAsync<RpcException>(async () => await new Loopback.LoopbackClient(channel).UnaryAsync(new Ask()));
        await using var server = await LoopbackServer.StartAsync(port: port);

        Assert.Equal("at last", (await call).Text);
    }

    [Fact]
    public async Task WaitForReady_ServerNeverStarts_EndsAtTheDeadline()
    {
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{FreePort.Find()}");
        var options = new CallOptions(deadline: DateTime.UtcNow.AddMilliseconds(300)).WithWaitForReady();

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await new Loopback.LoopbackClient(channel).UnaryAsync(new Ask(), options));

        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
    }

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(200, StatusCode.Unknown)]
    public async Task Unary_AnswerIsNotGrpc_MapsTheHttpStatus(int httpStatus, StatusCode expected)
    {
        await using var server = await LoopbackServer.StartAsync(map: app => app.MapPost("/web/page", async (HttpContext http) =>
        {
            http.Response.StatusCode = httpStatus;
            http.Response.ContentType = "text/html";
            await http.Response.WriteAsync("<p>hello");
        }));

        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(Web, null, default, "x");
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(expected, failure.StatusCode);
        Assert.Contains(httpStatus == 200 ? "text/html" : $"{httpStatus}", failure.Status.Detail);
    }

    [Fact]
    public async Task Unary_ServerResetsTheStream_MapsTheErrorCode()
    {
        await using var server = await LoopbackServer.StartAsync(map: app => app.MapPost("/web/page", (HttpContext http) =>
            http.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResetFeature>()!.Reset(0xb)));

        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(Web, null, default, "x");
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("0xb", failure.Status.Detail);
    }

    [Fact]
    public async Task Duplex_ServerStops_IsUnavailable()
    {
        var server = await LoopbackServer.StartAsync();
        using var channel = GrpcChannel.ForAddress(server.Address);
        server.Behaviour.Duplex = async (requests, responses, _) =>
        {
            await responses.WriteAsync(new Answer());
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
        };

        using var call = new Loopback.LoopbackClient(channel).Duplex();
        Assert.True(await call.ResponseStream.MoveNext());
        var read = call.ResponseStream.MoveNext();
        await server.DisposeAsync();

        Assert.Equal(StatusCode.Unavailable, (await Assert.ThrowsAsync<RpcException>(() => read)).StatusCode);
    }

    [Fact]
    public async Task Request_NotGrpc_IsRefusedByHttpStatus()
    {
        await using var server = await LoopbackServer.StartAsync(protocols: HttpProtocols.Http2);
        await using var old = await LoopbackServer.StartAsync(protocols: HttpProtocols.Http1);
        using var client = new RawClient(server.Address);
        using var oldClient = new RawClient(old.Address);

        using var wrongType = await client.SendAsync("/grpc.standin.tests.v1.Loopback/Unary", [], contentType: "application/json");
        using var unknownPath = await client.SendAsync("/some/page", [], contentType: "application/json");
        using var http1 = await oldClient.SendAsync("/grpc.standin.tests.v1.Loopback/Unary", [], version: HttpVersion.Version11);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, wrongType.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, unknownPath.StatusCode);
        Assert.Equal(HttpStatusCode.UpgradeRequired, http1.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.1:5000")]
    [InlineData("ftp://127.0.0.1")]
    [InlineData("")]
    public void ForAddress_NoHttpAddress_SaysWhatToGive(string address)
    {
        var failure = Assert.Throws<ArgumentException>(() => GrpcChannel.ForAddress(address));

        Assert.Contains("http://", failure.Message);
    }

    [Fact]
    public void ForAddress_CredentialsAgainstTheScheme_AreRefused()
    {
        Assert.Throws<InvalidOperationException>(
            () => GrpcChannel.ForAddress("http://127.0.0.1:1", new GrpcChannelOptions { Credentials = ChannelCredentials.SecureSsl }));
        Assert.Throws<InvalidOperationException>(
            () => GrpcChannel.ForAddress("https://127.0.0.1:1", new GrpcChannelOptions { Credentials = ChannelCredentials.Insecure }));
    }
}
