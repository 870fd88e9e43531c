using System.Globalization;
using Orchestrator.Bulk.Hpack;

namespace Orchestrator.Bulk.Calls;

/// <summary>The header lists of answers: a head and trailers, or both in one when there is nothing between them.</summary>
internal static class Responses
{
    /// <summary>Before a message.</summary>
    public static byte[] Head { get; } = HpackEncoder.Encode([new(":status", "200"), new("content-type", WireNames.ContentType)]);

    /// <summary>After the message of a call that went well.</summary>
    public static byte[] GoodTrailers { get; } = HpackEncoder.Encode([new(WireNames.GrpcStatus, "0")]);

    /// <summary>The whole answer of a call that did not go well.</summary>
    public static byte[] Refusal(int httpStatus, BulkStatus status, string message) => HpackEncoder.Encode(
    [
        new(":status", httpStatus.ToString(CultureInfo.InvariantCulture)),
        new("content-type", WireNames.ContentType),
        new(WireNames.GrpcStatus, ((int)status).ToString(CultureInfo.InvariantCulture)),
        new(WireNames.GrpcMessage, PercentEncoding.Encode(message)),
    ]);

    /// <summary>Says what a peer's answer without success means. Null: its status is OK.</summary>
    /// <param name="fields">A head or trailers.</param>
    /// <param name="isTrailer">They end the stream, so a status must be there.</param>
    public static string? Failure(List<HeaderField> fields, bool isTrailer)
    {
        var (http, status, message) = ("", "", "");
        foreach (var (name, value) in fields)
        {
            switch (name)
            {
                case ":status":
                    http = value;
                    break;
                case WireNames.GrpcStatus:
                    status = value;
                    break;
                case WireNames.GrpcMessage:
                    message = PercentEncoding.Decode(value);
                    break;
            }
        }

        if (status is "0" || (status.Length == 0 && !isTrailer && http is "200"))
        {
            return null;
        }

        if (status.Length == 0)
        {
            return http is "200" or "" ? "it ended the call without a gRPC status" : $"it answered with HTTP status {http}";
        }

        var named = int.TryParse(status, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && Enum.IsDefined((BulkStatus)code)
            ? ((BulkStatus)code).ToString()
            : $"gRPC status {status}";
        return $"it ended the call with {named}: {message}";
    }
}
