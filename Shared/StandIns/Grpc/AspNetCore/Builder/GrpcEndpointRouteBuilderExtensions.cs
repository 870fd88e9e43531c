using System.Diagnostics.CodeAnalysis;
using Grpc.AspNetCore.Server.Internal;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps gRPC services to endpoints.</summary>
public static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>Serves the methods of a class that derives from a generated service base.</summary>
    /// <exception cref="InvalidOperationException">AddGrpc was not called, or the class is no gRPC service.</exception>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors | DynamicallyAccessedMemberTypes.PublicMethods)] TService>(
        this IEndpointRouteBuilder builder)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        var registry = builder.ServiceProvider.GetService<ServiceRegistry>()
            ?? throw new InvalidOperationException("The gRPC services are not there. Call services.AddGrpc() before mapping a gRPC service.");
        return new GrpcServiceEndpointConventionBuilder(registry.Map<TService>(builder));
    }
}

/// <summary>Applies conventions (authorization, say) to all methods of a mapped service.</summary>
public sealed class GrpcServiceEndpointConventionBuilder : IEndpointConventionBuilder
{
    private readonly IReadOnlyList<IEndpointConventionBuilder> _endpoints;

    internal GrpcServiceEndpointConventionBuilder(IReadOnlyList<IEndpointConventionBuilder> endpoints) => _endpoints = endpoints;

    public void Add(Action<EndpointBuilder> convention)
    {
        foreach (var endpoint in _endpoints)
        {
            endpoint.Add(convention);
        }
    }

    public void Finally(Action<EndpointBuilder> finalConvention)
    {
        foreach (var endpoint in _endpoints)
        {
            endpoint.Finally(finalConvention);
        }
    }
}
