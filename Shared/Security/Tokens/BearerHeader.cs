namespace Orchestrator.Security.Tokens;

/// <summary>The header that carries a token: "authorization: Bearer TOKEN" (RFC 6750), the same over HTTP and in gRPC metadata.</summary>
public static class BearerHeader
{
    public const string Name = "authorization";

    private const string Scheme = "Bearer ";

    public static string Of(string token) => Scheme + token;

    /// <returns>Null when the value carries no bearer token.</returns>
    public static string? Read(string? value) =>
        value is not null && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) && value[Scheme.Length..].Trim() is { Length: > 0 } token ? token : null;
}
