using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>How a request stream ends on the wire: a receiver must be able to tell a whole stream from a broken one.</summary>
public sealed class StreamEndTests
{
    private const int Calls = 50;
    private const string Cancelled = "RST_STREAM 8";

    [Fact]
    public async Task RequestStream_Cancelled_IsResetAndNeverEnded()
    {
        await using var recorder = new FrameRecorder();
        using var channel = GrpcChannel.ForAddress(recorder.Address);
        var client = new Loopback.LoopbackClient(channel);

        for (var i = 0; i < Calls; i++)
        {
            using var cancel = new CancellationTokenSource();
            using var call = client.ClientStream(cancellationToken: cancel.Token);
            await call.RequestStream.WriteAsync(new Ask { Text = "part of a whole" });
            await cancel.CancelAsync();

            Assert.Equal((2 * i + 1, Cancelled), await recorder.NextEndAsync());
        }
    }

    [Fact]
    public async Task RequestStream_DeadlineOrDisposal_IsResetAndNeverEnded()
    {
        await using var recorder = new FrameRecorder();
        using var channel = GrpcChannel.ForAddress(recorder.Address);
        var client = new Loopback.LoopbackClient(channel);

        using var late = client.Duplex(deadline: DateTime.UtcNow.AddSeconds(3));
        await late.RequestStream.WriteAsync(new Ask());
        Assert.Equal((1, Cancelled), await recorder.NextEndAsync());

        var disposed = client.Duplex();
        await disposed.RequestStream.WriteAsync(new Ask());
        disposed.Dispose();
        Assert.Equal((3, Cancelled), await recorder.NextEndAsync());
    }

    [Fact]
    public async Task RequestStream_Completed_IsEnded()
    {
        await using var recorder = new FrameRecorder();
        using var channel = GrpcChannel.ForAddress(recorder.Address);

        using var call = new Loopback.LoopbackClient(channel).ClientStream();
        await call.RequestStream.WriteAsync(new Ask());
        await call.RequestStream.CompleteAsync();

        Assert.Equal((1, "END_STREAM"), await recorder.NextEndAsync());
    }
}
