using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>The paths of the JSON API. Who may call them stands in Access/RouteRules, what they look like in openapi.json.</summary>
internal static class ApiRoutes
{
    public const string Description = "/openapi.json";

    public static void MapApi(this IEndpointRouteBuilder app)
    {
        var handlers = app.ServiceProvider.GetRequiredService<ApiHandlers>();
        app.MapGet(Description, Guarded(ApiHandlers.DescribeAsync));
        app.MapGet("/api/v1/runs", Guarded(handlers.ListRunsAsync));
        app.MapGet("/api/v1/runs/{id}", Guarded(handlers.ShowRunAsync));
        app.MapGet("/api/v1/runs/{id}/events", Guarded(handlers.StreamEventsAsync));
        app.MapGet("/api/v1/runs/{id}/steps", Guarded(handlers.ListStepsAsync));
        app.MapGet("/api/v1/workers", Guarded(handlers.ListWorkersAsync));
        app.MapPost("/api/v1/runs", Guarded(handlers.SubmitAsync));
        app.MapPost("/api/v1/runs/{id}/stop", Guarded(handlers.StopAsync));
        app.MapPost("/api/v1/runs/{id}/scale", Guarded(handlers.ScaleAsync));
        app.MapPost("/api/v1/workers/{id}/drain", Guarded(handlers.DrainAsync));
    }

    private static RequestDelegate Guarded(Func<HttpContext, Task> handle) => context => ApiErrors.GuardAsync(context, handle);
}
