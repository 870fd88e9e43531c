using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Wire;

namespace Grpc.Net.Client.Internal;

/// <summary>What the server's headers and trailers say of the call.</summary>
internal static class ResponseStatus
{
    /// <summary>Null when the response is one of gRPC; otherwise what the HTTP answer stands for.</summary>
    public static Status? OfHttp(HttpResponseMessage response, Uri address, string method)
    {
        if (response.Headers.NonValidated.Contains(WireNames.Status))
        {
            return null;
        }

        var contentType = response.Content.Headers.NonValidated.TryGetValues("content-type", out var values) ? values.ToString() : null;
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return new Status(
                OfHttpStatus(response.StatusCode),
                $"{address} answered {method} with HTTP status {(int)response.StatusCode} and no gRPC status. Check that a gRPC server listens there.");
        }

        if (response.Version < HttpVersion.Version20)
        {
            return new Status(StatusCode.Internal, $"{address} answered {method} by HTTP/{response.Version}; gRPC needs HTTP/2.");
        }

        return WireNames.IsGrpcContentType(contentType)
            ? null
            : new Status(
                StatusCode.Unknown,
                $"{address} answered {method} with content type '{contentType ?? "none"}'; {WireNames.ContentType} was expected. Check that a gRPC server listens there.");
    }

    /// <summary>The status in headers (a trailers-only response) or trailers; null when there is none.</summary>
    public static Status? Of(HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues(WireNames.Status, out var values))
        {
            return null;
        }

        var text = values.ToString();
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code))
        {
            return new Status(StatusCode.Unknown, $"The server sent grpc-status '{text}', which is no number.");
        }

        var message = headers.NonValidated.TryGetValues(WireNames.Message, out var messages) ? PercentEncoding.Decode(messages.ToString()) : "";
        return Enum.IsDefined((StatusCode)code)
            ? new Status((StatusCode)code, message)
            : new Status(StatusCode.Unknown, $"The server sent grpc-status {code}, which gRPC does not define: {message}");
    }

    public static Metadata ToMetadata(HttpResponseHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var header in headers.NonValidated)
        {
            MetadataHeaders.AddTo(metadata, header.Key, header.Value);
        }

        return metadata;
    }

    private static StatusCode OfHttpStatus(HttpStatusCode status) => status switch
    {
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.NotFound => StatusCode.Unimplemented,
        HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout =>
            StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };
}
