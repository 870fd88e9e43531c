using System.Collections.Immutable;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Wraps a service method in interceptors, the first registration outermost. An interceptor instance serves one call.</summary>
internal static class InterceptorPipeline
{
    public static UnaryServerMethod<TRequest, TResponse> Unary<TRequest, TResponse>(
        ImmutableArray<InterceptorRegistration> interceptors, UnaryServerMethod<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class => interceptors.Reverse().Aggregate(method, (next, registration) =>
            (request, context) => Run(registration, context, interceptor => interceptor.UnaryServerHandler(request, context, next)));

    public static ClientStreamingServerMethod<TRequest, TResponse> ClientStreaming<TRequest, TResponse>(
        ImmutableArray<InterceptorRegistration> interceptors, ClientStreamingServerMethod<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class => interceptors.Reverse().Aggregate(method, (next, registration) =>
            (requests, context) => Run(registration, context, interceptor => interceptor.ClientStreamingServerHandler(requests, context, next)));

    public static ServerStreamingServerMethod<TRequest, TResponse> ServerStreaming<TRequest, TResponse>(
        ImmutableArray<InterceptorRegistration> interceptors, ServerStreamingServerMethod<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class => interceptors.Reverse().Aggregate(method, (next, registration) =>
            (request, responses, context) => Run(registration, context, async interceptor =>
            {
                await interceptor.ServerStreamingServerHandler(request, responses, context, next).ConfigureAwait(false);
                return true;
            }));

    public static DuplexStreamingServerMethod<TRequest, TResponse> DuplexStreaming<TRequest, TResponse>(
        ImmutableArray<InterceptorRegistration> interceptors, DuplexStreamingServerMethod<TRequest, TResponse> method)
        where TRequest : class
        where TResponse : class => interceptors.Reverse().Aggregate(method, (next, registration) =>
            (requests, responses, context) => Run(registration, context, async interceptor =>
            {
                await interceptor.DuplexStreamingServerHandler(requests, responses, context, next).ConfigureAwait(false);
                return true;
            }));

    private static async Task<T> Run<T>(InterceptorRegistration registration, ServerCallContext context, Func<Interceptor, Task<T>> call)
    {
        var services = context.GetHttpContext().RequestServices;
        if (registration.ArgumentArray.Length == 0 && services.GetService(registration.Type) is Interceptor registered)
        {
            return await call(registered).ConfigureAwait(false);
        }

        var made = (Interceptor)ActivatorUtilities.CreateInstance(services, registration.Type, registration.ArgumentArray);
        try
        {
            return await call(made).ConfigureAwait(false);
        }
        finally
        {
            await Disposal.DisposeAsync(made).ConfigureAwait(false);
        }
    }
}
