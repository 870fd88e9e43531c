using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>What Prometheus asks for over HTTP: the page of metrics, and the list of who serves such pages.</summary>
public static class PrometheusEndpoints
{
    /// <summary>Adds the registry of this host's own meters (and <see cref="IMeterFactory"/>, when it is not there).</summary>
    public static IServiceCollection AddPrometheusMetrics(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddSingleton(provider => new MetricsRegistry(provider.GetRequiredService<IMeterFactory>()));
        return services;
    }

    /// <summary>Serves the text format at <paramref name="pattern"/>. From this call on measurements are counted.</summary>
    public static IEndpointConventionBuilder MapMetrics(this IEndpointRouteBuilder endpoints, string pattern = "/metrics")
    {
        var registry = endpoints.ServiceProvider.GetRequiredService<MetricsRegistry>();
        return endpoints.MapGet(pattern, (HttpContext context) =>
        {
            context.Response.ContentType = PrometheusText.ContentType;
            context.Response.Headers.CacheControl = "no-store";
            return context.Response.WriteAsync(registry.Write(), context.RequestAborted);
        });
    }

    /// <summary>Serves Prometheus' HTTP service discovery at <paramref name="pattern"/>.</summary>
    /// <param name="targets">Asked at each request, on its thread.</param>
    /// <remarks>Source of the format: prometheus.io/docs/prometheus/latest/http_sd.</remarks>
    public static IEndpointConventionBuilder MapPrometheusTargets(
        this IEndpointRouteBuilder endpoints, Func<IEnumerable<PrometheusTarget>> targets, string pattern = "/targets") =>
        endpoints.MapGet(pattern, (HttpContext context) =>
        {
            var groups = targets().OrderBy(target => target.Address, StringComparer.Ordinal)
                .Select(target => new TargetGroup([target.Address], target.Labels)).ToList();
            return context.Response.WriteAsJsonAsync(groups, context.RequestAborted);
        });

    private sealed record TargetGroup(IReadOnlyList<string> Targets, IReadOnlyDictionary<string, string> Labels);
}
