using Grpc.Core;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>The four call kinds: what is read before a method runs and what is written after it.</summary>
internal static class CallHandlers
{
    public static Func<HttpServerCallContext, Task> Unary<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse> invoke)
        where TRequest : class
        where TResponse : class => async context =>
        {
            var request = await Reader(method, context).ReadSingleAsync().ConfigureAwait(false);
            var response = await invoke(request, context).ConfigureAwait(false);
            await WriteSingleAsync(method, context, response).ConfigureAwait(false);
        };

    public static Func<HttpServerCallContext, Task> ClientStreaming<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse> invoke)
        where TRequest : class
        where TResponse : class => async context =>
        {
            var response = await invoke(Reader(method, context), context).ConfigureAwait(false);
            await WriteSingleAsync(method, context, response).ConfigureAwait(false);
        };

    public static Func<HttpServerCallContext, Task> ServerStreaming<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse> invoke)
        where TRequest : class
        where TResponse : class => async context =>
        {
            var request = await Reader(method, context).ReadSingleAsync().ConfigureAwait(false);
            await invoke(request, new ResponseStreamWriter<TResponse>(context, method.ResponseMarshaller), context).ConfigureAwait(false);
        };

    public static Func<HttpServerCallContext, Task> DuplexStreaming<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse> invoke)
        where TRequest : class
        where TResponse : class => context => invoke(
            Reader(method, context), new ResponseStreamWriter<TResponse>(context, method.ResponseMarshaller), context);

    private static RequestStreamReader<TRequest> Reader<TRequest, TResponse>(Method<TRequest, TResponse> method, HttpServerCallContext context)
        where TRequest : class => new(context, method.RequestMarshaller);

    private static async Task WriteSingleAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method, HttpServerCallContext context, TResponse? response)
        where TResponse : class
    {
        // A call that failed has no message: its status alone goes out.
        if (context.Status.StatusCode == StatusCode.OK && !context.IsEnded)
        {
            var message = response
                ?? throw new RpcException(new Status(StatusCode.Internal, $"{method.FullName} returned null. Return a message, or throw an RpcException."));
            await context.WriteMessageAsync(method.ResponseMarshaller, message, flush: false, context.CancellationToken).ConfigureAwait(false);
        }
    }
}
