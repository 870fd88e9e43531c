using Grpc.Core;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>Deadlines and cancellation, on either side and over the wire.</summary>
public sealed class DeadlineAndCancellationTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Unary_DeadlinePasses_ClientGetsDeadlineExceededAndServerIsCancelled()
    {
        await using var server = await LoopbackServer.StartAsync();
        var entered = 0;
        var cancelled = new TaskCompletionSource<DateTime>();
        server.Behaviour.Unary = async (_, context) =>
        {
            Interlocked.Increment(ref entered);
            using var registration = context.CancellationToken.Register(() => cancelled.TrySetResult(context.Deadline));
            await Task.Delay(Long, context.CancellationToken);
            return new Answer();
        };

        // On a busy machine the first deadlines may pass before the call has reached the server at all.
        var deadlines = new List<DateTime>();
        for (var timeout = TimeSpan.FromMilliseconds(300); Volatile.Read(ref entered) == 0 && timeout < Long; timeout *= 2)
        {
            deadlines.Add(DateTime.UtcNow + timeout);
            var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask(), deadline: deadlines[^1]));
            Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
        }

        var seen = await cancelled.Task.WaitAsync(Long);
        Assert.Contains(deadlines, deadline => (seen - deadline).Duration() < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Unary_DeadlineAlreadyPassed_FailsWithoutAConnection()
    {
        using var channel = GrpcChannel.ForAddress("http://127.0.0.1:1");

        var failure = await Assert.ThrowsAsync<RpcException>(
            async () => await new Loopback.LoopbackClient(channel).UnaryAsync(new Ask(), deadline: DateTime.UtcNow.AddSeconds(-1)));

        Assert.Equal(StatusCode.DeadlineExceeded, failure.StatusCode);
    }

    [Fact]
    public async Task Unary_DeadlineNotUtc_IsRefused()
    {
        await using var server = await LoopbackServer.StartAsync();

        await Assert.ThrowsAsync<ArgumentException>(async () => await server.Client.UnaryAsync(new Ask(), deadline: DateTime.Now.AddHours(1)));
    }

    [Fact]
    public async Task Unary_ServerDeadlineWithoutClientTimer_ServerEndsTheCallWhileTheMethodRuns()
    {
        // A client that sends grpc-timeout and keeps no timer of its own still gets DEADLINE_EXCEEDED.
        await using var server = await LoopbackServer.StartAsync();
        var release = new TaskCompletionSource();
        server.Behaviour.Unary = async (_, _) =>
        {
            await release.Task;
            return new Answer();
        };

        using var raw = new RawClient(server.Address);
        using var response = await raw.SendAsync("/grpc.standin.tests.v1.Loopback/Unary", [0, 0, 0, 0, 0], [("grpc-timeout", "200m")]);
        var status = await RawClient.StatusAsync(response);
        release.SetResult();

        Assert.Equal("4", status);
    }

    [Fact]
    public async Task Duplex_ClientCancels_BothSidesEndAndTheServerSeesNoCleanEnd()
    {
        // A cancelled call's reader waited for ever, and the server's method saw different exceptions, about once in 50 calls.
        const int Calls = 100;
        await using var server = await LoopbackServer.StartAsync();
        var ended = System.Threading.Channels.Channel.CreateUnbounded<(Exception? Exception, bool IsCancelled)>();
        server.Behaviour.Duplex = async (requests, _, context) =>
        {
            try
            {
                while (await requests.MoveNext(context.CancellationToken))
                {
                }

                ended.Writer.TryWrite((null, false));
            }
            catch (Exception exception)
            {
                ended.Writer.TryWrite((exception, context.CancellationToken.IsCancellationRequested));
                throw;
            }
        };

        for (var i = 0; i < Calls; i++)
        {
            using var cancel = new CancellationTokenSource();
            using var call = server.Client.Duplex(cancellationToken: cancel.Token);
            await call.RequestStream.WriteAsync(new Ask());
            var read = call.ResponseStream.MoveNext();
            await cancel.CancelAsync();

            Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => read.WaitAsync(Long))).StatusCode);
            Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Ask()))).StatusCode);
        }

        // A call that was cancelled before the server read its headers may not have reached the method at all.
        await server.DisposeAsync();
        ended.Writer.Complete();
        var ends = await ended.Reader.ReadAllAsync().ToListAsync();
        Assert.NotEmpty(ends);
        Assert.All(ends, end => Assert.True(end.IsCancelled && end.Exception is OperationCanceledException, $"{end}"));
    }

    [Fact]
    public async Task ServerStream_ClientDisposes_ServerIsCancelled()
    {
        await using var server = await LoopbackServer.StartAsync();
        var ended = new TaskCompletionSource<int>();
        server.Behaviour.ServerStream = async (_, responses, context) =>
        {
            var written = 0;
            try
            {
                for (; ; written++)
                {
                    await responses.WriteAsync(new Answer { Index = written });
                }
            }
            finally
            {
                ended.SetResult(written);
            }
        };

        var call = server.Client.ServerStream(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());
        call.Dispose();

        Assert.True(await ended.Task.WaitAsync(Long) > 0);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Unary_TokenCancelledAndOptionSet_ThrowsOperationCanceled()
    {
        await using var server = await LoopbackServer.StartAsync(channelOptions: new GrpcChannelOptions { ThrowOperationCanceledOnCancellation = true });
        server.Behaviour.Unary = async (_, context) =>
        {
            await Task.Delay(Long, context.CancellationToken);
            return new Answer();
        };
        using var cancel = new CancellationTokenSource(100);

        var failure = await Assert.ThrowsAsync<OperationCanceledException>(async () => await server.Client.UnaryAsync(new Ask(), cancellationToken: cancel.Token));

        Assert.Equal(cancel.Token, failure.CancellationToken);
        Assert.IsType<RpcException>(failure.InnerException);
    }

    [Fact]
    public async Task PropagationToken_InnerCallWithoutDeadline_GetsTheOuterDeadline()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Unary = async (ask, context) =>
        {
            if (ask.Text == "inner")
            {
                return new Answer { Text = context.Deadline == DateTime.MaxValue ? "none" : "some" };
            }

            return await server.Client.UnaryAsync(
                new Ask { Text = "inner" }, new CallOptions(propagationToken: context.CreatePropagationToken()));
        };

        var answer = await server.Client.UnaryAsync(new Ask(), deadline: DateTime.UtcNow + Long);

        Assert.Equal("some", answer.Text);
    }

    [Fact]
    public async Task Channel_Disposed_EndsItsCalls()
    {
        await using var server = await LoopbackServer.StartAsync();
        var channel = GrpcChannel.ForAddress(server.Address);
        using var call = new Loopback.LoopbackClient(channel).Duplex();
        await call.RequestStream.WriteAsync(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());

        var read = call.ResponseStream.MoveNext();
        channel.Dispose();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => read)).StatusCode);
        Assert.Throws<ObjectDisposedException>(() => channel.CreateCallInvoker());
    }
}
