using System.Globalization;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;

namespace Orchestrator.Bulk.Calls;

/// <summary>What the header fields of a request ask for: a call of ours, or an answer that refuses it.</summary>
/// <param name="HttpStatus">200, or what an HTTP client is told.</param>
/// <param name="Status">Null: the call is good.</param>
/// <param name="Reason">Why it is refused.</param>
/// <param name="Call">The good call.</param>
internal readonly record struct RequestHead(int HttpStatus, BulkStatus? Status, string Reason, BulkCall Call)
{
    private const int LongestRunId = 256;

    private static readonly string[] ConnectionFields = ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"];

    /// <exception cref="Http2StreamException">The fields are no HTTP request at all (RFC 9113, section 8.1.1).</exception>
    public static RequestHead Read(int streamId, List<HeaderField> fields)
    {
        CheckFields(streamId, fields, isTrailer: false);
        string? Find(string name)
        {
            foreach (var field in fields)
            {
                if (field.Name == name)
                {
                    return field.Value;
                }
            }

            return null;
        }

        if (Find(":method") is not { } method || Find(":path") is not { Length: > 0 } path || Find(":scheme") is null)
        {
            throw Malformed(streamId, "lacks :method, :path or :scheme");
        }

        if (Find("content-type")?.StartsWith(WireNames.ContentType, StringComparison.Ordinal) != true)
        {
            return Refuse(415, BulkStatus.Unimplemented, "This port speaks gRPC only: content-type application/grpc.");
        }

        if (method != "POST")
        {
            return Refuse(405, BulkStatus.Unimplemented, $"gRPC calls are POST; this is {method}.");
        }

        if (path != WireNames.PushPath)
        {
            return Refuse(200, BulkStatus.Unimplemented, $"There is no {path} here; this port serves {WireNames.PushPath}.");
        }

        return Find(WireNames.Run) is { Length: > 0 and <= LongestRunId } run
            && long.TryParse(Find(WireNames.Generation), NumberStyles.None, CultureInfo.InvariantCulture, out var generation)
            && int.TryParse(Find(WireNames.Sender), NumberStyles.None, CultureInfo.InvariantCulture, out var sender)
                ? new RequestHead(200, null, "", new BulkCall(run, generation, sender, Find(WireNames.Memory)))
                : Refuse(200, BulkStatus.InvalidArgument,
                    $"A Push call carries the metadata {WireNames.Run}, {WireNames.Generation} and {WireNames.Sender}; the last two are whole numbers.");
    }

    /// <summary>The fields of a request of ours.</summary>
    public static List<HeaderField> Write(in BulkCall call, string authority, bool isTls) =>
    [
        new(":method", "POST"),
        new(":scheme", isTls ? "https" : "http"),
        new(":path", WireNames.PushPath),
        new(":authority", authority),
        new("te", "trailers"),
        new("content-type", WireNames.ContentType),
        new("user-agent", "orchestrator-bulk"),
        new(WireNames.Run, call.Run),
        new(WireNames.Generation, call.Generation.ToString(CultureInfo.InvariantCulture)),
        new(WireNames.Sender, call.Sender.ToString(CultureInfo.InvariantCulture)),
        .. call.Memory is { } memory ? (ReadOnlySpan<HeaderField>)[new(WireNames.Memory, memory)] : [],
    ];

    /// <summary>What holds for every field of every message (RFC 9113, sections 8.2 and 8.3).</summary>
    public static void CheckFields(int streamId, List<HeaderField> fields, bool isTrailer)
    {
        var pseudoEnded = isTrailer;
        foreach (var (name, value) in fields)
        {
            if (name.StartsWith(':'))
            {
                if (pseudoEnded || fields.Count(field => field.Name == name) > 1)
                {
                    throw Malformed(streamId, $"has {name} twice or after other fields");
                }

                continue;
            }

            pseudoEnded = true;
            if (name.Length == 0 || name.Any(character => character is <= ' ' or >= 'A' and <= 'Z' or >= '\x7f' or ':'))
            {
                throw Malformed(streamId, "has a field name with upper case or other characters that may not stand there");
            }

            if (value.Any(character => character is '\0' or '\r' or '\n'))
            {
                throw Malformed(streamId, $"has a line end or zero in the value of {name}");
            }

            if (ConnectionFields.Contains(name) || (name == "te" && value != "trailers"))
            {
                throw Malformed(streamId, $"has the field {name}, which HTTP/2 does not know");
            }
        }
    }

    private static RequestHead Refuse(int http, BulkStatus status, string reason) => new(http, status, reason, default);

    private static Http2StreamException Malformed(int streamId, string what) =>
        new(streamId, ErrorCode.ProtocolError, $"The peer's header list on stream {streamId} {what}.");
}
