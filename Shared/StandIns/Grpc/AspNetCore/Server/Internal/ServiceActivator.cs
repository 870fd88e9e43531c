using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Lends a service instance to one call: from the services where it is registered, otherwise made for the call and disposed after it.</summary>
internal sealed class ServiceActivator<TService>
    where TService : class
{
    private readonly Lazy<ObjectFactory<TService>> _factory = new(() => ActivatorUtilities.CreateFactory<TService>([]));

    public Task<T> Run<T>(ServerCallContext context, Func<TService, Task<T>> call)
    {
        var services = context.GetHttpContext().RequestServices;
        return services.GetService<TService>() is { } registered
            ? call(registered)
            : RunOwned(_factory.Value(services, []), call);
    }

    public Task Run(ServerCallContext context, Func<TService, Task> call)
    {
        var services = context.GetHttpContext().RequestServices;
        return services.GetService<TService>() is { } registered
            ? call(registered)
            : RunOwned(_factory.Value(services, []), call);
    }

    private static async Task<T> RunOwned<T>(TService service, Func<TService, Task<T>> call)
    {
        try
        {
            return await call(service).ConfigureAwait(false);
        }
        finally
        {
            await Disposal.DisposeAsync(service).ConfigureAwait(false);
        }
    }

    private static async Task RunOwned(TService service, Func<TService, Task> call)
    {
        try
        {
            await call(service).ConfigureAwait(false);
        }
        finally
        {
            await Disposal.DisposeAsync(service).ConfigureAwait(false);
        }
    }
}

/// <summary>Disposes what was made for one call.</summary>
internal static class Disposal
{
    public static ValueTask DisposeAsync(object instance)
    {
        if (instance is IAsyncDisposable asyncDisposable)
        {
            return asyncDisposable.DisposeAsync();
        }

        (instance as IDisposable)?.Dispose();
        return ValueTask.CompletedTask;
    }
}
