namespace Orchestrator.Bulk.Http2;

/// <summary>The peer broke a rule of HTTP/2, or a bound of ours: the whole connection ends with this code (RFC 9113, section 5.4.1).</summary>
internal class Http2Exception(ErrorCode code, string message) : Exception(message)
{
    public ErrorCode Code { get; } = code;
}

/// <summary>The same for one stream only: the connection goes on (RFC 9113, section 5.4.2).</summary>
internal sealed class Http2StreamException(int streamId, ErrorCode code, string message) : Http2Exception(code, message)
{
    public int StreamId { get; } = streamId;
}
