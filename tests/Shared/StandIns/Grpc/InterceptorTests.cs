using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;

namespace Grpc.StandIn.Tests;

/// <summary>Interceptors and call credentials, as authentication uses them.</summary>
public sealed class InterceptorTests
{
    [Fact]
    public async Task ServerInterceptor_EveryKind_SeesTheCallAndMayRefuseIt()
    {
        await using var server = await LoopbackServer.StartAsync(options => options.Interceptors.Add<TokenInterceptor>("secret"));
        var allowed = new Loopback.LoopbackClient(server.Channel.Intercept(headers =>
        {
            headers.Add("authorization", "Bearer secret");
            return headers;
        }));

        Assert.Equal("x", (await allowed.UnaryAsync(new Ask { Text = "x" })).Text);
        Assert.Equal(2, (await allowed.ServerStream(new Ask { Count = 2 }).ResponseStream.ReadAllAsync().ToListAsync()).Count);
        using var clientStream = allowed.ClientStream();
        await clientStream.RequestStream.CompleteAsync();
        Assert.Equal(0, (await clientStream).Index);
        using var duplex = allowed.Duplex();
        await duplex.RequestStream.CompleteAsync();
        Assert.False(await duplex.ResponseStream.MoveNext());

        using var refusedStream = server.Client.Duplex();
        RpcException[] refused =
        [
            await Assert.ThrowsAsync<RpcException>(async () => await server.Client.UnaryAsync(new Ask())),
            await Assert.ThrowsAsync<RpcException>(() => server.Client.ServerStream(new Ask()).ResponseStream.MoveNext()),
            await Assert.ThrowsAsync<RpcException>(async () => await server.Client.ClientStream()),
            await Assert.ThrowsAsync<RpcException>(() => refusedStream.ResponseStream.MoveNext()),
        ];
        Assert.All(refused, failure => Assert.Equal(StatusCode.Unauthenticated, failure.StatusCode));
    }

    [Fact]
    public async Task Interceptors_Several_FirstIsOutermost()
    {
        var order = new List<string>();
        await using var server = await LoopbackServer.StartAsync(options =>
        {
            options.Interceptors.Add<OrderInterceptor>("server 1", order);
            options.Interceptors.Add<OrderInterceptor>("server 2", order);
        });
        var client = new Loopback.LoopbackClient(
            server.Channel.Intercept(new OrderInterceptor("client 1", order), new OrderInterceptor("client 2", order)));

        await client.UnaryAsync(new Ask());

        Assert.Equal(["client 1", "client 2", "server 1", "server 2"], order);
    }

    [Theory]
    [InlineData(true, "Bearer t-1")]
    [InlineData(false, "none")]
    public async Task CallCredentials_OnPlainHttp_AreSentOnlyWhenAllowed(bool allowed, string expected)
    {
        await using var server = await LoopbackServer.StartAsync(
            channelOptions: new GrpcChannelOptions { UnsafeUseInsecureChannelCallCredentials = allowed });
        server.Behaviour.Unary = (_, context) => Task.FromResult(new Answer { Text = context.RequestHeaders.GetValue("authorization") ?? "none" });
        var credentials = CallCredentials.FromInterceptor((context, metadata) =>
        {
            Assert.Equal("Unary", context.MethodName);
            Assert.EndsWith("/grpc.standin.tests.v1.Loopback", context.ServiceUrl);
            metadata.Add("authorization", "Bearer t-1");
            return Task.CompletedTask;
        });

        var answer = await server.Client.UnaryAsync(new Ask(), new CallOptions(credentials: credentials));

        Assert.Equal(expected, answer.Text);
    }

    public sealed class TokenInterceptor(string token) : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            Check(context);
            return continuation(request, context);
        }

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Check(context);
            return continuation(requestStream, context);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Check(context);
            return continuation(request, responseStream, context);
        }

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, DuplexStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Check(context);
            return continuation(requestStream, responseStream, context);
        }

        private void Check(ServerCallContext context)
        {
            if (context.RequestHeaders.GetValue("authorization") != "Bearer " + token)
            {
                throw new RpcException(new Status(StatusCode.Unauthenticated, "wrong token"));
            }
        }
    }

    public sealed class OrderInterceptor(string name, List<string> order) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            order.Add(name);
            return continuation(request, context);
        }

        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            order.Add(name);
            return continuation(request, context);
        }
    }
}
