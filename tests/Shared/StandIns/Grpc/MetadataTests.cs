using Grpc.Core;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>Metadata each way: request headers, response headers, trailers; ASCII and binary; repeated keys.</summary>
public sealed class MetadataTests
{
    private static readonly byte[] Bytes = [0, 1, 254, 255];

    [Fact]
    public async Task RequestHeaders_AsciiAndBinary_ReachTheMethod()
    {
        await using var server = await LoopbackServer.StartAsync();
        Metadata? seen = null;
        server.Behaviour.Unary = (_, context) =>
        {
            seen = context.RequestHeaders;
            return Task.FromResult(new Answer());
        };

        await server.Client.UnaryAsync(
            new Ask(), new Metadata { { "Run-Id", "r-1" }, { "hash-bin", Bytes }, { "hash-bin", new byte[] { 9 } }, { "empty-bin", Array.Empty<byte>() } });

        Assert.Equal("r-1", seen!.GetValue("run-id"));
        Assert.Equal([Bytes, [9]], seen.GetAll("hash-bin").Select(entry => entry.ValueBytes));
        Assert.Empty(seen.GetValueBytes("empty-bin")!);
        Assert.DoesNotContain(seen, entry => entry.Key is "te" or "content-type" or "grpc-timeout" or "host");
        Assert.StartsWith("grpc-dotnet-standin/", seen.GetValue("user-agent"));
    }

    [Fact]
    public async Task WriteResponseHeaders_BeforeTheMessage_ReachTheClientFirst()
    {
        await using var server = await LoopbackServer.StartAsync();
        var goOn = new TaskCompletionSource();
        server.Behaviour.ServerStream = async (_, responses, context) =>
        {
            await context.WriteResponseHeadersAsync(new Metadata { { "a", "1" }, { "a", "2" }, { "b-bin", Bytes } });
            await goOn.Task;
            context.ResponseTrailers.Add("t-bin", Bytes);
            await responses.WriteAsync(new Answer());
        };

        using var call = server.Client.ServerStream(new Ask());
        var headers = await call.ResponseHeadersAsync;
        goOn.SetResult();

        Assert.Equal(["1", "2"], headers.GetAll("a").Select(entry => entry.Value));
        Assert.Equal(Bytes, headers.GetValueBytes("b-bin"));
        Assert.Single(await call.ResponseStream.ReadAllAsync().ToListAsync());
        Assert.Equal(Bytes, call.GetTrailers().GetValueBytes("t-bin"));
    }

    [Fact]
    public async Task WriteResponseHeaders_Twice_IsAnError()
    {
        await using var server = await LoopbackServer.StartAsync(options => options.EnableDetailedErrors = true);
        server.Behaviour.Unary = async (_, context) =>
        {
            await context.WriteResponseHeadersAsync([]);
            await context.WriteResponseHeadersAsync([]);
            return new Answer();
        };

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));

        Assert.Contains("have been sent", failure.Status.Detail);
    }

    [Fact]
    public async Task ResponseTrailers_NotAscii_CallEndsWithTheReason()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Unary = (_, context) =>
        {
            context.ResponseTrailers.Add("name", "J\u00fcrgen");
            return Task.FromResult(new Answer());
        };

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Contains("not printable ASCII", failure.Status.Detail);
    }

    [Fact]
    public async Task RequestHeaders_NotAscii_CallFailsWithTheReason()
    {
        await using var server = await LoopbackServer.StartAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Client.UnaryAsync(new Ask(), new Metadata { { "name", "two\nlines" } }));

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Contains("not printable ASCII", failure.Status.Detail);
    }

    [Fact]
    public async Task ServerCallContext_OfACall_KnowsMethodHostAndPeer()
    {
        await using var server = await LoopbackServer.StartAsync();
        var (method, host, peer, deadline, isAuthenticated) = ("", "", "", DateTime.MinValue, true);
        server.Behaviour.Unary = (_, context) =>
        {
            (method, host, peer) = (context.Method, context.Host, context.Peer);
            (deadline, isAuthenticated) = (context.Deadline, context.AuthContext.IsPeerAuthenticated);
            return Task.FromResult(new Answer { Text = context.GetHttpContext().Request.Protocol });
        };

        var answer = await server.Client.WithHost("somewhere.example:81").UnaryAsync(new Ask());

        Assert.Equal("HTTP/2", answer.Text);
        Assert.Equal("/grpc.standin.tests.v1.Loopback/Unary", method);
        Assert.Equal("somewhere.example:81", host);
        Assert.StartsWith("ipv4:127.0.0.1:", peer);
        Assert.Equal(DateTime.MaxValue, deadline);
        Assert.False(isAuthenticated);
    }

    [Fact]
    public void Metadata_BadEntries_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("has space", "x"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("", "x"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key-bin", "text"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("key", Bytes));
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("a", "b"));
        Assert.Throws<InvalidOperationException>(() => new Metadata.Entry("key-bin", Bytes).Value);
    }
}
