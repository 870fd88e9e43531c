using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>
/// What one stream of 1 MiB messages carries over loopback, both ends in this process. The figures depend on the machine; the floor only
/// catches a stream that crawls (a missing window update, a wait in each message).
/// </summary>
[Trait("Category", "Long")]
public sealed class ThroughputTests(ITestOutputHelper output)
{
    private const int Messages = 1024;
    private const double FloorMiBPerSecond = 20;

    private static readonly Ask Mebibyte = new() { Payload = ByteString.CopyFrom(new byte[1 << 20]) };

    [Fact]
    public async Task ClientStream_OneMebibyteMessages_IsNoCrawl()
    {
        await using var server = await LoopbackServer.StartAsync();
        await SendAsync(server.Client, 64);

        await MeasureAsync("client stream", () => SendAsync(server.Client, Messages));
    }

    [Fact]
    public async Task ServerStream_OneMebibyteMessages_IsNoCrawl()
    {
        await using var server = await LoopbackServer.StartAsync();
        await ReceiveAsync(server.Client, 64);

        await MeasureAsync("server stream", () => ReceiveAsync(server.Client, Messages));
    }

    private static async Task SendAsync(Loopback.LoopbackClient client, int messages)
    {
        using var call = client.ClientStream();
        for (var i = 0; i < messages; i++)
        {
            await call.RequestStream.WriteAsync(Mebibyte);
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal(messages, (await call).Index);
    }

    private static async Task ReceiveAsync(Loopback.LoopbackClient client, int messages)
    {
        using var call = client.ServerStream(new Ask { Count = messages, Payload = Mebibyte.Payload });
        var received = 0;
        while (await call.ResponseStream.MoveNext())
        {
            received++;
        }

        Assert.Equal(messages, received);
    }

    private async Task MeasureAsync(string what, Func<Task> run)
    {
        var processor = Process.GetCurrentProcess().TotalProcessorTime;
        var allocated = GC.GetTotalAllocatedBytes();
        var watch = Stopwatch.StartNew();
        await run();
        var rate = Messages / watch.Elapsed.TotalSeconds;
        output.WriteLine(
            $"{what}: {rate:F0} MiB/s, {(Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds / Messages * 1024:F2} processor s/GiB on both ends, {(GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / Messages:F0} KiB allocated for each message");
        Assert.True(rate > FloorMiBPerSecond, $"{what}: {rate:F1} MiB/s; at least {FloorMiBPerSecond} were expected.");
    }
}
