using Google.Protobuf;
using Grpc.Core;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>The four call kinds, through generated stubs and services.</summary>
public sealed class CallKindTests
{
    [Fact]
    public async Task Unary_Message_ComesBack()
    {
        await using var server = await LoopbackServer.StartAsync();

        using var call = server.Client.UnaryAsync(new Ask { Text = "hello" });
        var answer = await call;

        Assert.Equal("hello", answer.Text);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
        Assert.Empty(call.GetTrailers());
    }

    [Fact]
    public async Task Unary_Blocking_ComesBack()
    {
        await using var server = await LoopbackServer.StartAsync();

        var answer = await Task.Run(() => server.Client.Unary(new Ask { Text = "blocking" }));

        Assert.Equal("blocking", answer.Text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task ServerStream_Count_ComesInOrder(int count)
    {
        await using var server = await LoopbackServer.StartAsync();

        using var call = server.Client.ServerStream(new Ask { Text = "s", Count = count });
        var answers = await call.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal(Enumerable.Range(0, count), answers.Select(answer => answer.Index));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task ClientStream_Count_ArrivesInOrder(int count)
    {
        await using var server = await LoopbackServer.StartAsync();

        using var call = server.Client.ClientStream();
        for (var i = 0; i < count; i++)
        {
            await call.RequestStream.WriteAsync(new Ask { Text = $"{i}" });
        }

        await call.RequestStream.CompleteAsync();
        var answer = await call;

        Assert.Equal(count, answer.Index);
        Assert.Equal(string.Join(",", Enumerable.Range(0, count)), answer.Text);
    }

    [Fact]
    public async Task Duplex_PingPong_AnswersEachBeforeTheNext()
    {
        await using var server = await LoopbackServer.StartAsync();

        using var call = server.Client.Duplex();
        for (var i = 0; i < 100; i++)
        {
            await call.RequestStream.WriteAsync(new Ask { Text = $"m{i}" });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal($"m{i}", call.ResponseStream.Current.Text);
        }

        await call.RequestStream.CompleteAsync();

        Assert.False(await call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Duplex_SixteenMebibytes_ComesBackUnchanged()
    {
        await using var server = await LoopbackServer.StartAsync(
            options => options.MaxReceiveMessageSize = null, new Net.Client.GrpcChannelOptions { MaxReceiveMessageSize = null });
        var payload = new byte[16 << 20];
        new Random(7).NextBytes(payload);

        using var call = server.Client.Duplex();
        await call.RequestStream.WriteAsync(new Ask { Payload = ByteString.CopyFrom(payload) });
        await call.RequestStream.CompleteAsync();
        var answers = await call.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal(payload, Assert.Single(answers).Payload.ToByteArray());
    }

    [Fact]
    public async Task Unary_ManyAtOnce_AllComeBack()
    {
        await using var server = await LoopbackServer.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(async i => (await server.Client.UnaryAsync(new Ask { Text = $"{i}" })).Text));

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"{i}"), answers);
    }
}
