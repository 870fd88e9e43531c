using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>One method as an endpoint serves it.</summary>
internal sealed record BoundMethod(IMethod Method, RequestDelegate Handle, IReadOnlyList<object> Metadata);

/// <summary>Takes the methods of a service class from the generated binding and makes a handler of each.</summary>
internal sealed class ServiceBinder<TService>(CallSettings settings) : ServiceBinderBase
    where TService : class
{
    private readonly ServiceActivator<TService> _activator = new();
    private readonly List<BoundMethod> _methods = [];

    public IReadOnlyList<BoundMethod> Methods => _methods;

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var implementation = Find(method, typeof(TRequest), typeof(ServerCallContext));
        var invoke = implementation.CreateDelegate<Func<TService, TRequest, ServerCallContext, Task<TResponse>>>();
        var pipeline = InterceptorPipeline.Unary<TRequest, TResponse>(
            settings.Interceptors, (request, context) => _activator.Run(context, service => invoke(service, request, context)));
        Add(method, implementation, CallHandlers.Unary(method, pipeline));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var implementation = Find(method, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext));
        var invoke = implementation.CreateDelegate<Func<TService, IAsyncStreamReader<TRequest>, ServerCallContext, Task<TResponse>>>();
        var pipeline = InterceptorPipeline.ClientStreaming<TRequest, TResponse>(
            settings.Interceptors, (requests, context) => _activator.Run(context, service => invoke(service, requests, context)));
        Add(method, implementation, CallHandlers.ClientStreaming(method, pipeline));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var implementation = Find(method, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        var invoke = implementation.CreateDelegate<Func<TService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task>>();
        var pipeline = InterceptorPipeline.ServerStreaming<TRequest, TResponse>(
            settings.Interceptors,
            (request, responses, context) => _activator.Run(context, service => invoke(service, request, responses, context)));
        Add(method, implementation, CallHandlers.ServerStreaming(method, pipeline));
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var implementation = Find(
            method, typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        var invoke = implementation
            .CreateDelegate<Func<TService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task>>();
        var pipeline = InterceptorPipeline.DuplexStreaming<TRequest, TResponse>(
            settings.Interceptors,
            (requests, responses, context) => _activator.Run(context, service => invoke(service, requests, responses, context)));
        Add(method, implementation, CallHandlers.DuplexStreaming(method, pipeline));
    }

    private static MethodInfo Find(IMethod method, params Type[] parameters) =>
        typeof(TService).GetMethod(method.Name, BindingFlags.Public | BindingFlags.Instance, parameters)
        ?? throw new InvalidOperationException($"{typeof(TService)} has no public method {method.Name} for {method.FullName}. Derive it from the generated base.");

    private void Add(IMethod method, MethodInfo implementation, Func<HttpServerCallContext, Task> handler)
    {
        // Attributes such as [Authorize] of the class and then of the method, so that the method's come last and win.
        object[] metadata =
        [
            new GrpcMethodMetadata(typeof(TService), method),
            .. typeof(TService).GetCustomAttributes(inherit: true),
            .. implementation.GetCustomAttributes(inherit: true),
        ];
        var endpoint = new CallEndpoint(method, settings, handler);
        _methods.Add(new BoundMethod(method, endpoint.HandleAsync, metadata));
    }
}
