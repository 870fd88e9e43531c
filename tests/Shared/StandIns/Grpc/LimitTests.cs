using System.Buffers.Binary;
using System.IO.Compression;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>Message sizes, compression and malformed requests.</summary>
public sealed class LimitTests
{
    private const string UnaryPath = "/grpc.standin.tests.v1.Loopback/Unary";

    private static readonly ByteString FiveMebibytes = ByteString.CopyFrom(new byte[5 << 20]);

    [Fact]
    public async Task Unary_RequestOverTheServersLimit_IsResourceExhaustedWithBothSizes()
    {
        await using var server = await LoopbackServer.StartAsync();

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask { Payload = FiveMebibytes }));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("5242885 bytes exceeds the limit of 4194304 bytes", failure.Status.Detail);
    }

    [Fact]
    public async Task Unary_ResponseOverTheClientsLimit_IsResourceExhausted()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Unary = (_, _) => Task.FromResult(new Answer { Payload = FiveMebibytes });

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));

        Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode);
        Assert.Contains("Raise MaxReceiveMessageSize", failure.Status.Detail);
    }

    [Fact]
    public async Task Send_OverTheSendLimit_IsResourceExhaustedOnEitherSide()
    {
        await using var server = await LoopbackServer.StartAsync(
            options => options.MaxSendMessageSize = 100, new GrpcChannelOptions { MaxSendMessageSize = 1000 });

        var request = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask { Text = new string('x', 1001) }));
        using var stream = server.Client.Duplex();
        var write = await Assert.ThrowsAsync<RpcException>(() => stream.RequestStream.WriteAsync(new Ask { Text = new string('x', 1001) }));
        var response = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask { Text = new string('x', 101) }));

        Assert.Contains("1004 bytes to send exceeds the limit of 1000", request.Status.Detail);
        Assert.Contains("1004 bytes to send exceeds the limit of 1000", write.Status.Detail);
        Assert.Contains("103 bytes to send exceeds the limit of 100 ", response.Status.Detail);
        Assert.All([request, write, response], failure => Assert.Equal(StatusCode.ResourceExhausted, failure.StatusCode));
    }

    [Fact]
    public async Task ServiceOptions_OfOneService_OverrideThoseOfAll()
    {
        await using var server = await LoopbackServer.StartAsync(
            options => options.MaxReceiveMessageSize = 10,
            services: grpc => Microsoft.Extensions.DependencyInjection.GrpcServicesExtensions.AddServiceOptions<LoopbackService>(
                grpc, options => options.MaxReceiveMessageSize = 100));

        Assert.Equal(50, (await server.Client.UnaryAsync(new Ask { Text = new string('x', 50) })).Text.Length);
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask { Text = new string('x', 101) }));
        Assert.Contains("limit of 100 bytes", failure.Status.Detail);
    }

    [Fact]
    public async Task Unary_GzipRequest_IsUnderstood()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var raw = new RawClient(server.Address);

        using var response = await raw.SendAsync(UnaryPath, Gzip(new Ask { Text = "packed" }), [("grpc-encoding", "gzip")]);

        Assert.Equal("0", await RawClient.StatusAsync(response));
        var body = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal("packed", Answer.Parser.ParseFrom(body, 5, body.Length - 5).Text);
    }

    [Fact]
    public async Task Unary_GzipBomb_IsResourceExhausted()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var raw = new RawClient(server.Address);

        using var response = await raw.SendAsync(UnaryPath, Gzip(new Ask { Payload = FiveMebibytes }), [("grpc-encoding", "gzip")]);

        Assert.Equal("8", await RawClient.StatusAsync(response));
    }

    [Fact]
    public async Task Unary_UnknownEncoding_IsUnimplementedAndNamesWhatIsAccepted()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var raw = new RawClient(server.Address);

        using var response = await raw.SendAsync(UnaryPath, [1, 0, 0, 0, 1, 7], [("grpc-encoding", "snappy")]);

        Assert.Equal("12", await RawClient.StatusAsync(response));
        Assert.Equal("identity,gzip", string.Join(",", response.Headers.GetValues("grpc-accept-encoding")));
    }

    [Theory]
    [InlineData(new byte[] { 1, 0, 0, 0, 1, 7 }, "13", "no grpc-encoding")]
    [InlineData(new byte[] { 7, 0, 0, 0, 0 }, "13", "compression flag 7")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, "13", "ended inside a message")]
    [InlineData(new byte[] { 0, 0 }, "13", "ended inside a message")]
    [InlineData(new byte[0], "13", "ended without a message")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "13", "bytes after its message")]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, "8", "4294967295 bytes exceeds the limit")]
    public async Task Unary_MalformedRequest_EndsWithTheReason(byte[] body, string status, string reason)
    {
        await using var server = await LoopbackServer.StartAsync();
        using var raw = new RawClient(server.Address);

        using var response = await raw.SendAsync(UnaryPath, body);

        Assert.Equal(status, await RawClient.StatusAsync(response));
        Assert.Contains(reason, response.Headers.GetValues("grpc-message").Single());
    }

    [Fact]
    public async Task Unary_BadTimeout_IsInternal()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var raw = new RawClient(server.Address);

        using var response = await raw.SendAsync(UnaryPath, [0, 0, 0, 0, 0], [("grpc-timeout", "soon")]);

        Assert.Equal("13", await RawClient.StatusAsync(response));
    }

    private static byte[] Gzip(IMessage message)
    {
        var packed = new MemoryStream();
        packed.Write([1, 0, 0, 0, 0]);
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            message.WriteTo(gzip);
        }

        var frame = packed.ToArray();
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
        return frame;
    }
}
