namespace Grpc.Wire;

/// <summary>Header names and values of the gRPC over HTTP/2 specification.</summary>
internal static class WireNames
{
    public const string ContentType = "application/grpc";
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string Identity = "identity";
    public const string Gzip = "gzip";

    /// <summary>What this implementation can decode.</summary>
    public const string AcceptedEncodings = "identity,gzip";

    /// <summary>True for <c>application/grpc</c>, alone or followed by '+' or ';' (grpc-web is another protocol).</summary>
    public static bool IsGrpcContentType(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == ContentType.Length || contentType[ContentType.Length] is '+' or ';');
}
