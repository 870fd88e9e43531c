namespace Orchestrator.Bulk.Http2;

/// <summary>What a frame's header alone must satisfy: its length, and whether it belongs to a stream (RFC 9113, sections 4.2 and 6).</summary>
internal static class FrameRules
{
    private const int PriorityBytes = 5;
    private const int ResetBytes = 4;
    private const int PingBytes = 8;
    private const int GoAwayLeastBytes = 8;
    private const int WindowUpdateBytes = 4;

    /// <param name="frame">As it was read.</param>
    /// <param name="maxFrameBytes">The SETTINGS_MAX_FRAME_SIZE that we announced.</param>
    /// <exception cref="Http2Exception">FRAME_SIZE_ERROR or PROTOCOL_ERROR, of the stream or of the connection as the RFC says for each type.</exception>
    public static void Check(in FrameHeader frame, int maxFrameBytes)
    {
        if (frame.Length > maxFrameBytes)
        {
            throw Size(frame, $"at most {maxFrameBytes} were announced");
        }

        switch (frame.Type)
        {
            case FrameType.Data or FrameType.Headers or FrameType.Continuation or FrameType.PushPromise:
                OnStream(frame);
                break;
            case FrameType.Priority:
                OnStream(frame);
                if (frame.Length != PriorityBytes)
                {
                    throw new Http2StreamException(frame.StreamId, ErrorCode.FrameSizeError, Sentence(frame, $"it has {PriorityBytes}"));
                }

                break;
            case FrameType.ResetStream:
                OnStream(frame);
                Exactly(frame, ResetBytes);
                break;
            case FrameType.Settings:
                OnConnection(frame);
                if (frame.Has(FrameFlags.Ack) ? frame.Length != 0 : frame.Length % Settings.EntryBytes != 0)
                {
                    throw Size(frame, $"an acknowledgement has none, any other a multiple of {Settings.EntryBytes}");
                }

                break;
            case FrameType.Ping:
                OnConnection(frame);
                Exactly(frame, PingBytes);
                break;
            case FrameType.GoAway:
                OnConnection(frame);
                if (frame.Length < GoAwayLeastBytes)
                {
                    throw Size(frame, $"it has at least {GoAwayLeastBytes}");
                }

                break;
            case FrameType.WindowUpdate:
                Exactly(frame, WindowUpdateBytes);
                break;
        }
    }

    private static void OnStream(in FrameHeader frame)
    {
        if (frame.StreamId == 0)
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"The peer sent a {frame.Type} frame on stream 0; it belongs to a stream.");
        }
    }

    private static void OnConnection(in FrameHeader frame)
    {
        if (frame.StreamId != 0)
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"The peer sent a {frame.Type} frame on stream {frame.StreamId}; it belongs on stream 0.");
        }
    }

    private static void Exactly(in FrameHeader frame, int bytes)
    {
        if (frame.Length != bytes)
        {
            throw Size(frame, $"it has {bytes}");
        }
    }

    private static Http2Exception Size(in FrameHeader frame, string rule) => new(ErrorCode.FrameSizeError, Sentence(frame, rule));

    private static string Sentence(in FrameHeader frame, string rule) =>
        $"The peer sent a {frame.Type} frame of {frame.Length} bytes on stream {frame.StreamId}; {rule}.";
}
