using System.Collections.Immutable;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>The paths of the JSON API. Who may call them stands in Access/RouteRules, what they look like in openapi.json.</summary>
internal static class ApiRoutes
{
    public const string Description = "/openapi.json";

    private static readonly ImmutableArray<ApiRoute> All =
    [
        new("GET", "/api/v1/runs", handlers => handlers.ListRunsAsync),
        new("GET", "/api/v1/runs/{id}", handlers => handlers.ShowRunAsync),
        new("GET", "/api/v1/runs/{id}/events", handlers => handlers.StreamEventsAsync),
        new("GET", "/api/v1/runs/{id}/steps", handlers => handlers.ListStepsAsync),
        new("GET", "/api/v1/workers", handlers => handlers.ListWorkersAsync),
        new("POST", "/api/v1/runs", handlers => handlers.SubmitAsync),
        new("POST", "/api/v1/runs/{id}/stop", handlers => handlers.StopAsync),
        new("POST", "/api/v1/runs/{id}/scale", handlers => handlers.ScaleAsync),
        new("POST", "/api/v1/workers/{id}/drain", handlers => handlers.DrainAsync),
        new("DELETE", "/api/v1/workers/{id}/drain", handlers => handlers.TakeBackAsync),
    ];

    /// <summary>What the owner of the runs answers.</summary>
    public static void MapApi(this IEndpointRouteBuilder app)
    {
        var handlers = app.ServiceProvider.GetRequiredService<ApiHandlers>();
        app.MapAll(route => route.HandlerOf(handlers));
    }

    /// <summary>What a standby answers: the same routes, by whatever passes them on.</summary>
    public static void MapApi(this IEndpointRouteBuilder app, Func<HttpContext, Task> pass) => app.MapAll(_ => pass);

    private static void MapAll(this IEndpointRouteBuilder app, Func<ApiRoute, Func<HttpContext, Task>> handlerOf)
    {
        app.MapGet(Description, Guarded(ApiHandlers.DescribeAsync));
        foreach (var route in All)
        {
            app.MapMethods(route.Pattern, [route.Method], Guarded(handlerOf(route)));
        }
    }

    private static RequestDelegate Guarded(Func<HttpContext, Task> handle) => context => ApiErrors.GuardAsync(context, handle);

    private sealed record ApiRoute(string Method, string Pattern, Func<ApiHandlers, Func<HttpContext, Task>> HandlerOf);
}
