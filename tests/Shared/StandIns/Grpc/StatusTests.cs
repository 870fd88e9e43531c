using System.Text;
using Grpc.Core;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>How calls end: status, details, trailers, exceptions of service methods, unknown methods.</summary>
public sealed class StatusTests
{
    private static readonly byte[] Details = [0, 255, 10, 3, 128];

    [Fact]
    public async Task Unary_MethodThrowsRpcException_ClientGetsStatusDetailAndTrailers()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Unary = (_, context) =>
        {
            context.ResponseTrailers.Add("from-context", "one");
            var trailers = new Metadata { { "from-exception", "two" }, { "grpc-status-details-bin", Details } };
            throw new RpcException(new Status(StatusCode.FailedPrecondition, "50% of step 7\nwas lost: \u00e4\u6587"), trailers);
        };

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));

        Assert.Equal(StatusCode.FailedPrecondition, failure.StatusCode);
        Assert.Equal("50% of step 7\nwas lost: \u00e4\u6587", failure.Status.Detail);
        Assert.Equal("one", failure.Trailers.GetValue("from-context"));
        Assert.Equal("two", failure.Trailers.GetValue("from-exception"));
        Assert.Equal(Details, failure.Trailers.GetValueBytes("grpc-status-details-bin"));
    }

    [Fact]
    public async Task Unary_MethodSetsStatus_ClientGetsIt()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Unary = (_, context) =>
        {
            context.Status = new Status(StatusCode.AlreadyExists, "twice");
            return Task.FromResult(new Answer());
        };

        using var call = server.Client.UnaryAsync(new Ask());
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(StatusCode.AlreadyExists, failure.StatusCode);
        Assert.Equal(StatusCode.AlreadyExists, call.GetStatus().StatusCode);
    }

    [Theory]
    [InlineData(false, "Exception was thrown by handler.")]
    [InlineData(true, "Exception was thrown by handler. InvalidDataException: shard 3 is short")]
    public async Task Unary_MethodThrowsAnything_ClientGetsUnknown(bool detailed, string expected)
    {
        await using var server = await LoopbackServer.StartAsync(options => options.EnableDetailedErrors = detailed);
        server.Behaviour.Unary = (_, _) => throw new InvalidDataException("shard 3 is short");

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));

        Assert.Equal(StatusCode.Unknown, failure.StatusCode);
        Assert.Equal(expected, failure.Status.Detail);
    }

    [Fact]
    public async Task ServerStream_FailsAfterTwoMessages_ClientReadsBothAndThenTheStatus()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.ServerStream = async (_, responses, context) =>
        {
            await responses.WriteAsync(new Answer { Index = 0 });
            await responses.WriteAsync(new Answer { Index = 1 });
            context.ResponseTrailers.Add("last", "1");
            throw new RpcException(new Status(StatusCode.DataLoss, "no third"));
        };

        using var call = server.Client.ServerStream(new Ask());
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.True(await call.ResponseStream.MoveNext());
        Assert.Equal(1, call.ResponseStream.Current.Index);
        var failure = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());

        Assert.Equal("no third", failure.Status.Detail);
        Assert.Equal("1", failure.Trailers.GetValue("last"));
        Assert.Equal(StatusCode.DataLoss, call.GetStatus().StatusCode);
        Assert.Equal("1", call.GetTrailers().GetValue("last"));
    }

    [Fact]
    public async Task ClientStream_ServerFailsAtOnce_WritesEndWithItsStatus()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.ClientStream = (_, _) => throw new RpcException(new Status(StatusCode.PermissionDenied, "generation 3 is over"));

        using var call = server.Client.ClientStream();
        var failure = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            var payload = Google.Protobuf.ByteString.CopyFrom(new byte[256 * 1024]);
            while (true)
            {
                await call.RequestStream.WriteAsync(new Ask { Payload = payload });
            }
        });

        Assert.Equal("generation 3 is over", failure.Status.Detail);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () => await call)).StatusCode);
    }

    [Fact]
    public async Task ClientStream_ServerAnswersEarly_AnswerArrives()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.ClientStream = async (requests, _) =>
        {
            await requests.MoveNext();
            return new Answer { Text = requests.Current.Text };
        };

        using var call = server.Client.ClientStream();
        await call.RequestStream.WriteAsync(new Ask { Text = "enough" });

        Assert.Equal("enough", (await call).Text);
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Ask()));
    }

    [Theory]
    [InlineData("grpc.standin.tests.v1.Loopback", "Nothing", "Method is unimplemented")]
    [InlineData("grpc.standin.tests.v1.Elsewhere", "Unary", "Service is unimplemented")]
    public async Task Unary_UnknownMethod_IsUnimplemented(string service, string name, string expected)
    {
        await using var server = await LoopbackServer.StartAsync();
        var method = new Method<string, string>(MethodType.Unary, service, name, Marshallers.StringMarshaller, Marshallers.StringMarshaller);

        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, "x");
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(StatusCode.Unimplemented, failure.StatusCode);
        Assert.StartsWith(expected, failure.Status.Detail);
    }

    [Fact]
    public async Task Unary_MethodReturnsNull_IsInternal()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Behaviour.Unary = (_, _) => Task.FromResult<Answer>(null!);

        var failure = await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask()));

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Contains("returned null", failure.Status.Detail);
    }

    [Fact]
    public async Task Unary_RequestOfAnotherProto_IsInternalAndNamesTheMethod()
    {
        await using var server = await LoopbackServer.StartAsync();
        var method = new Method<byte[], byte[]>(
            MethodType.Unary, "grpc.standin.tests.v1.Loopback", "Unary", Marshallers.Create<byte[]>(x => x, x => x), Marshallers.Create<byte[]>(x => x, x => x));

        using var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, Encoding.ASCII.GetBytes("\x0aZ"));
        var failure = await Assert.ThrowsAsync<RpcException>(async () => await call);

        Assert.Equal(StatusCode.Internal, failure.StatusCode);
        Assert.Contains("/grpc.standin.tests.v1.Loopback/Unary", failure.Status.Detail);
    }

    [Fact]
    public async Task GetStatus_CallUnderWay_SaysSo()
    {
        await using var server = await LoopbackServer.StartAsync();
        using var call = server.Client.Duplex();

        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(() => call.GetTrailers());
    }
}
