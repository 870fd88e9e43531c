using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>Streams under pressure and misuse.</summary>
public sealed class StreamTests
{
    private static readonly ByteString Mebibyte = ByteString.CopyFrom(new byte[1 << 20]);

    [Fact]
    public async Task ClientStream_ServerDoesNotRead_WritesWait()
    {
        await using var server = await LoopbackServer.StartAsync();
        var read = new TaskCompletionSource();
        server.Behaviour.ClientStream = async (requests, _) =>
        {
            await read.Task;
            var count = 0;
            while (await requests.MoveNext())
            {
                count++;
            }

            return new Answer { Index = count };
        };

        using var call = server.Client.ClientStream();
        var written = 0;
        var writing = Task.Run(async () =>
        {
            for (; written < 64; written++)
            {
                await call.RequestStream.WriteAsync(new Ask { Payload = Mebibyte });
            }
        });
        await Assert.ThrowsAsync<TimeoutException>(() => writing.WaitAsync(TimeSpan.FromMilliseconds(500)));
        Assert.InRange(written, 0, 16);

        read.SetResult();
        await writing;
        await call.RequestStream.CompleteAsync();
        Assert.Equal(64, (await call).Index);
    }

    [Fact]
    public async Task ServerStream_ClientDoesNotRead_WritesWait()
    {
        await using var server = await LoopbackServer.StartAsync();
        var written = 0;
        server.Behaviour.ServerStream = async (_, responses, _) =>
        {
            for (; written < 64; written++)
            {
                await responses.WriteAsync(new Answer { Payload = Mebibyte });
            }
        };

        using var call = server.Client.ServerStream(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());
        await Task.Delay(500);
        Assert.InRange(written, 1, 32);

        Assert.Equal(63, (await call.ResponseStream.ReadAllAsync().ToListAsync()).Count);
    }

    [Fact]
    [Trait("Category", "Long")]
    public async Task Streams_SilentLongerThanTheServersDataRateAllows_Live()
    {
        // Kestrel ends a request or a response that moves less than 240 bytes/s for more than 5 s; a gRPC stream may rest.
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Duplex = async (requests, responses, _) =>
        {
            await requests.MoveNext();
            for (var i = 0; i < 16; i++)
            {
                await responses.WriteAsync(new Answer { Payload = Mebibyte });
            }

            await requests.MoveNext();
            await responses.WriteAsync(new Answer { Text = requests.Current.Text });
        };

        using var call = server.Client.Duplex();
        await call.RequestStream.WriteAsync(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());
        await Task.Delay(TimeSpan.FromSeconds(15));
        await call.RequestStream.WriteAsync(new Ask { Text = "awake" });
        await call.RequestStream.CompleteAsync();

        Assert.Equal("awake", (await call.ResponseStream.ReadAllAsync().ToListAsync())[^1].Text);
    }

    [Fact]
    public async Task Streams_UsedTwiceAtOnce_AreRefused()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Duplex = (_, _, context) => Task.Delay(Timeout.Infinite, context.CancellationToken);

        using var call = server.Client.Duplex();
        var read = call.ResponseStream.MoveNext();
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.ResponseStream.MoveNext());
        var write = call.RequestStream.WriteAsync(new Ask { Payload = ByteString.CopyFrom(new byte[8 << 20]) });
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Ask()));
        call.Dispose();

        await Assert.ThrowsAsync<RpcException>(() => read);
        await Assert.ThrowsAsync<RpcException>(() => write);
    }

    [Fact]
    public async Task RequestStream_WriteAfterComplete_IsRefused()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var call = server.Client.ClientStream();
        await call.RequestStream.CompleteAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Ask()));
    }

    [Fact]
    public async Task BufferHint_Writes_AllArrive()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.ServerStream = async (ask, responses, _) =>
        {
            responses.WriteOptions = new WriteOptions(WriteFlags.BufferHint);
            for (var i = 0; i < ask.Count; i++)
            {
                await responses.WriteAsync(new Answer { Index = i });
            }
        };

        using var call = server.Client.ServerStream(new Ask { Count = 5000 });
        var answers = await call.ResponseStream.ReadAllAsync().ToListAsync();

        Assert.Equal(Enumerable.Range(0, 5000), answers.Select(answer => answer.Index));
    }

    [Fact]
    public async Task Marshaller_WithoutLengthAndWithArrays_Works()
    {
        await using var server = await LoopbackServer.StartAsync();
        var buffered = new Marshaller<Ask>(
            (message, context) =>
            {
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => Ask.Parser.ParseFrom(context.PayloadAsReadOnlySequence()));
        var arrays = Marshallers.Create(message => message.ToByteArray(), Answer.Parser.ParseFrom);
        var method = new Method<Ask, Answer>(MethodType.Unary, "grpc.standin.tests.v1.Loopback", "Unary", buffered, arrays);
        var text = new string('y', 100_000);

        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, new Ask { Text = text });

        Assert.Equal(text, (await call).Text);
        Assert.Equal("z", buffered.Deserializer(buffered.Serializer(new Ask { Text = "z" })).Text);
    }

    [Fact]
    public async Task Marshaller_Throws_CallFailsWithTheReason()
    {
        await using var server = await LoopbackServer.StartAsync();
        var broken = new Marshaller<Ask>((_, _) => throw new InvalidOperationException("no bytes today"), context => new Ask());
        var silent = new Marshaller<Ask>((_, context) => context.GetBufferWriter(), context => new Ask());
        var answers = Marshallers.Create(message => message.ToByteArray(), Answer.Parser.ParseFrom);
        var invoker = server.Channel.CreateCallInvoker();

        foreach (var (marshaller, reason) in new[] { (broken, "no bytes today"), (silent, "without SerializationContext.Complete") })
        {
            var unary = new Method<Ask, Answer>(MethodType.Unary, "grpc.standin.tests.v1.Loopback", "Unary", marshaller, answers);
            var stream = new Method<Ask, Answer>(MethodType.ClientStreaming, "grpc.standin.tests.v1.Loopback", "ClientStream", marshaller, answers);
            using var call = invoker.AsyncUnaryCall(unary, null, default, new Ask());
            using var streamCall = invoker.AsyncClientStreamingCall(stream, null, default);
            var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);
            var writeFailure = await Assert.ThrowsAsync<RpcException>(() => streamCall.RequestStream.WriteAsync(new Ask()));

            Assert.Equal((StatusCode.Internal, StatusCode.Internal), (failure.StatusCode, writeFailure.StatusCode));
            Assert.Contains(reason, failure.Status.Detail);
            Assert.Contains(reason, writeFailure.Status.Detail);
        }
    }

    [Fact]
    public async Task Calls_Abandoned_LeaveNothingBehind()
    {
        await using var server = await LoopbackServer.StartAsync();
        var unobserved = 0;
        TaskScheduler.UnobservedTaskException += Count;
        using (var channel = GrpcChannel.ForAddress("http://127.0.0.1:1"))
        {
            var client = new Loopback.LoopbackClient(channel);
            for (var i = 0; i < 20; i++)
            {
                _ = client.UnaryAsync(new Ask());
                _ = client.ClientStream();
                _ = client.Duplex();
                _ = server.Client.ServerStream(new Ask { Count = 3 });
            }

            await Task.Delay(300);
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        TaskScheduler.UnobservedTaskException -= Count;
        Assert.Equal(0, unobserved);
        Assert.Equal("still fine", (await server.Client.UnaryAsync(new Ask { Text = "still fine" })).Text);

        void Count(object? sender, UnobservedTaskExceptionEventArgs arguments)
        {
            if (arguments.Exception.ToString().Contains("Grpc.", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref unobserved);
            }
        }
    }
}
