using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Interop.Tests.V1;

namespace Orchestrator.Interop.Tests;

/// <summary>Our client calls grpcio's server.</summary>
public sealed class PythonServerTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Unary_WithMetadata_ComesBackInHeadersAndTrailers()
    {
        await using var server = await PythonServer.StartAsync();
        byte[] bytes = [0, 1, 254, 255];

        using var call = server.Client.UnaryAsync(
            new Ask { Text = "hello", Payload = ByteString.CopyFrom(bytes) }, new Metadata { { "x-ask", "plain text" }, { "x-ask-bin", bytes } });
        var headers = await call.ResponseHeadersAsync;
        var answer = await call;

        Assert.Equal("hello", answer.Text);
        Assert.Equal(bytes, answer.Payload.ToByteArray());
        Assert.Equal("plain text", headers.GetValue("x-head"));
        Assert.Equal(bytes, headers.GetValueBytes("x-head-bin"));
        Assert.Equal("plain text", call.GetTrailers().GetValue("x-trail"));
        Assert.Equal(bytes, call.GetTrailers().GetValueBytes("x-trail-bin"));
    }

    [Fact]
    public async Task Streams_OfEachKind_KeepOrder()
    {
        await using var server = await PythonServer.StartAsync();

        using var serverStream = server.Client.ServerStream(new Ask { Count = 1000 });
        var indexes = new List<int>();
        await foreach (var answer in serverStream.ResponseStream.ReadAllAsync())
        {
            indexes.Add(answer.Index);
        }

        using var clientStream = server.Client.ClientStream();
        using var duplex = server.Client.Duplex();
        for (var i = 0; i < 100; i++)
        {
            await clientStream.RequestStream.WriteAsync(new Ask { Text = $"{i}" });
            await duplex.RequestStream.WriteAsync(new Ask { Text = $"m{i}" });
            Assert.True(await duplex.ResponseStream.MoveNext());
            Assert.Equal($"m{i}", duplex.ResponseStream.Current.Text);
        }

        await clientStream.RequestStream.CompleteAsync();
        await duplex.RequestStream.CompleteAsync();

        Assert.Equal(Enumerable.Range(0, 1000), indexes);
        Assert.Equal(string.Join(",", Enumerable.Range(0, 100)), (await clientStream).Text);
        Assert.False(await duplex.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.OK, duplex.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Duplex_SixteenMebibytes_KeepTheirBytes()
    {
        await using var server = await PythonServer.StartAsync(new GrpcChannelOptions { MaxReceiveMessageSize = null }, "--unlimited");
        var payload = new byte[16 << 20];
        new Random(1).NextBytes(payload);
        var ask = new Ask { Text = "big", Count = 1, Payload = ByteString.CopyFrom(payload) };

        using var duplex = server.Client.Duplex();
        await duplex.RequestStream.WriteAsync(ask);
        await duplex.RequestStream.CompleteAsync();
        Assert.True(await duplex.ResponseStream.MoveNext());
        Assert.Equal(payload, duplex.ResponseStream.Current.Payload.ToByteArray());
        Assert.Equal(payload, (await server.Client.UnaryAsync(ask)).Payload.ToByteArray());
    }

    [Fact]
    public async Task Deadline_Passes_BothSidesEnd()
    {
        await using var server = await PythonServer.StartAsync();
        await server.Client.UnaryAsync(new Ask());

        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.UnaryAsync(new Ask { Text = "sleep" }, deadline: DateTime.UtcNow.AddMilliseconds(400)));

        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
        await WaitForCancellationAsync(server);
    }

    [Fact]
    public async Task Cancellation_OfAStream_ReachesTheServer()
    {
        await using var server = await PythonServer.StartAsync();
        using var cancel = new CancellationTokenSource();

        using var call = server.Client.Duplex(cancellationToken: cancel.Token);
        await call.RequestStream.WriteAsync(new Ask { Text = "one" });
        Assert.True(await call.ResponseStream.MoveNext());
        await cancel.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext())).StatusCode);
        await WaitForCancellationAsync(server);
    }

    [Fact]
    public async Task Status_WithDetails_ArrivesWhole()
    {
        await using var server = await PythonServer.StartAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask { Text = "fail" }));

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Equal(PeerService.FailText, failure.Status.Detail);
        Assert.Equal(PeerService.FailDetails, failure.Trailers.GetValueBytes("grpc-status-details-bin"));
        Assert.Equal("last", failure.Trailers.GetValue("x-trail"));
    }

    [Fact]
    public async Task Failures_OfTheServer_HaveTheirCodes()
    {
        await using var server = await PythonServer.StartAsync();
        var unknown = new Method<string, string>(
            MethodType.Unary, "orchestrator.interop.v1.Peer", "Nothing", Marshallers.StringMarshaller, Marshallers.StringMarshaller);

        var thrown = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask { Text = "throw" }));
        var missing = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Channel.CreateCallInvoker().AsyncUnaryCall(unknown, null, default, ""));
        var large = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.UnaryAsync(new Ask { Payload = ByteString.CopyFrom(new byte[5 << 20]) }));

        Assert.Equal(StatusCode.Unknown, thrown.StatusCode);
        Assert.Equal(StatusCode.Unimplemented, missing.StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, large.StatusCode);
        Assert.Equal("still here", (await server.Client.UnaryAsync(new Ask { Text = "still here" })).Text);
    }

    [Fact]
    public async Task Response_OverOurLimit_IsResourceExhausted()
    {
        await using var server = await PythonServer.StartAsync(options: null, "--unlimited");

        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.UnaryAsync(new Ask { Payload = ByteString.CopyFrom(new byte[5 << 20]) }));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("exceeds the limit of 4194304 bytes", failure.Status.Detail);
    }

    [Fact]
    public async Task Gzip_Response_IsUnderstood()
    {
        await using var server = await PythonServer.StartAsync(options: null, "--gzip");

        var text = new string('z', 100_000);

        Assert.Equal(text, (await server.Client.UnaryAsync(new Ask { Text = text })).Text);
    }

    [Fact]
    public async Task Server_Killed_StreamAndNextCallAreUnavailable()
    {
        await using var server = await PythonServer.StartAsync();
        using var call = server.Client.Duplex();
        await call.RequestStream.WriteAsync(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());

        var read = call.ResponseStream.MoveNext();
        server.Kill();

        var broken = await Assert.ThrowsAsync<RpcException>(() => read.WaitAsync(Limit));
        var next = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));
        Assert.Equal(StatusCode.Unavailable, broken.StatusCode);
        Assert.Equal(StatusCode.Unavailable, next.StatusCode);
        Assert.Contains(server.Address.ToString(), next.Status.Detail);
    }

    [Fact]
    public async Task Server_Frozen_KeepAliveEndsTheStreamAsUnavailable()
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            KeepAlivePingDelay = TimeSpan.FromSeconds(1),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(1),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        await using var server = await PythonServer.StartAsync(new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        using var call = server.Client.Duplex();
        await call.RequestStream.WriteAsync(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());

        server.Freeze();
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().WaitAsync(Limit));

        Assert.Equal(StatusCode.Unavailable, failure.StatusCode);
    }

    // The server counts a cancellation a moment after the client saw it; each look asks the server anew.
    private static async Task WaitForCancellationAsync(PythonServer server)
    {
        using var limit = new CancellationTokenSource(Limit);
        while ((await server.Client.UnaryAsync(new Ask { Text = "cancelled" }, cancellationToken: limit.Token)).Index == 0)
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
