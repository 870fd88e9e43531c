namespace Orchestrator.Coordinator.Host.Access;

/// <summary>Whether a browser's request comes from a page of this coordinator's own. Programs send no Origin.</summary>
public static class OriginRule
{
    /// <param name="origin">The header; null: none was sent.</param>
    /// <param name="host">Host and port of the request, which have been found good.</param>
    /// <param name="scheme">http or https, of the request.</param>
    public static bool Allows(string? origin, string host, string scheme) =>
        origin is null || origin.Equals($"{scheme}://{host}", StringComparison.OrdinalIgnoreCase);
}
