using System.Reflection;
using Grpc.Core;
using Grpc.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>Makes the endpoints of services, and those that answer UNIMPLEMENTED for what is not mapped. One for each host.</summary>
internal sealed class ServiceRegistry(IOptions<GrpcServiceOptions> options, ILoggerFactory loggers)
{
    private readonly HashSet<string> _services = [];

    public IReadOnlyList<IEndpointConventionBuilder> Map<TService>(IEndpointRouteBuilder endpoints)
        where TService : class
    {
        var serviceOptions = endpoints.ServiceProvider.GetService<IOptions<GrpcServiceOptions<TService>>>()?.Value;
        var settings = CallSettings.From(options.Value, serviceOptions, loggers);
        var binder = new ServiceBinder<TService>(settings);
        Bind(typeof(TService), binder);

        var builders = new List<IEndpointConventionBuilder>();
        foreach (var method in binder.Methods)
        {
            var endpoint = endpoints.MapPost(method.Method.FullName, method.Handle);
            endpoint.Add(builder =>
            {
                builder.DisplayName = "gRPC - " + method.Method.FullName;
                foreach (var item in method.Metadata)
                {
                    builder.Metadata.Add(item);
                }
            });
            builders.Add(endpoint);
        }

        foreach (var service in binder.Methods.Select(method => method.Method.ServiceName).Distinct())
        {
            if (_services.Add(service))
            {
                MapUnimplemented(endpoints, "/" + service + "/{grpcMethod}", "Method");
            }
        }

        if (options.Value.IgnoreUnknownServices != true && _services.Add(""))
        {
            MapUnimplemented(endpoints, "/{grpcService}/{grpcMethod}", "Service");
        }

        return builders;
    }

    private static void Bind(Type serviceType, ServiceBinderBase binder)
    {
        for (var type = serviceType; type is not null; type = type.BaseType)
        {
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is not { } attribute)
            {
                continue;
            }

            var bind = attribute.BindType.GetMethod(
                attribute.BindMethodName, BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static, [typeof(ServiceBinderBase), type])
                ?? throw new InvalidOperationException($"{attribute.BindType} has no static {attribute.BindMethodName}(ServiceBinderBase, {type.Name}). Generate the service again with grpc_csharp_plugin.");
            bind.Invoke(null, [binder, null]);
            return;
        }

        throw new InvalidOperationException($"{serviceType} is no gRPC service. Derive it from the base class that grpc_csharp_plugin generates.");
    }

    private static void MapUnimplemented(IEndpointRouteBuilder endpoints, string pattern, string what)
    {
        var policies = new { grpcMethod = new GrpcRequestConstraint() };
        var builder = endpoints.Map(RoutePatternFactory.Parse(pattern, defaults: null, policies), context =>
        {
            context.Response.ContentType = WireNames.ContentType;
            ResponseTrailers.WriteStatus(
                context.Response.Headers,
                new Status(StatusCode.Unimplemented, $"{what} is unimplemented: this server does not serve {context.Request.Path}."));
            return Task.CompletedTask;
        });
        builder.Add(endpoint =>
        {
            endpoint.DisplayName = $"gRPC - unimplemented {what.ToLowerInvariant()} {pattern}";
            endpoint.Metadata.Add(new HttpMethodMetadata([HttpMethods.Post]));
            ((RouteEndpointBuilder)endpoint).Order = int.MaxValue;
        });
    }

    /// <summary>Takes gRPC requests only, so that other endpoints of the host keep theirs.</summary>
    private sealed class GrpcRequestConstraint : IRouteConstraint
    {
        public bool Match(HttpContext? httpContext, IRouter? route, string routeKey, RouteValueDictionary values, RouteDirection routeDirection) =>
            httpContext is not null && WireNames.IsGrpcContentType(httpContext.Request.ContentType);
    }
}
