using Microsoft.AspNetCore.Routing;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>How an endpoint stands in <see cref="RouteRules"/>: "GET /metrics".</summary>
public static class RouteKey
{
    /// <returns>One for each HTTP method of the endpoint; "* PATTERN" when it takes all.</returns>
    public static IEnumerable<string> Of(RouteEndpoint endpoint)
    {
        var pattern = "/" + endpoint.RoutePattern.RawText?.TrimStart('/');
        return endpoint.Metadata.GetMetadata<IHttpMethodMetadata>() is { HttpMethods: { Count: > 0 } methods }
            ? methods.Select(method => $"{method} {pattern}")
            : [$"* {pattern}"];
    }

    /// <summary>What the rules say of a request that was routed there.</summary>
    public static AccessNeed NeedOf(RouteEndpoint endpoint, string method) =>
        Of(endpoint).FirstOrDefault(key => key.StartsWith(method + " ", StringComparison.OrdinalIgnoreCase)) is { } key
            ? RouteRules.All.GetValueOrDefault(key, AccessNeed.Nobody)
            : AccessNeed.Nobody;
}
