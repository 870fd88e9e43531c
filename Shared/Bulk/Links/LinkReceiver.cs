using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Connections;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Messages;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Links;

/// <summary>The receiving half of a link: windows, settings, pings, and the answer to its one call.</summary>
internal sealed class LinkReceiver(Wire wire, BulkOptions options, LinkSender sender) : FrameLoop(wire, options)
{
    // A PushSummary has one number; unknown fields may come with it.
    private const int MaxAnswerBytes = 1024;

    private readonly byte[] _answer = new byte[MaxAnswerBytes];
    private int _answerBytes;
    private bool _hasHead;

    /// <summary>The answer of a call that ended well; the peer sends no more.</summary>
    public long? Summary { get; private set; }

    /// <summary>Why the peer ended the call or the connection, by its own words. Null: it said nothing.</summary>
    public string? PeerReason { get; private set; }

    /// <summary>The peer's answer, whichever it is, has come.</summary>
    public Action? Answered { get; set; }

    protected override void SendControl(ReadOnlySpan<byte> frame) => sender.Control(frame);

    protected override void OnSettings(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> acknowledgement) => sender.Apply(entries, acknowledgement);

    protected override void OnHeaders(int streamId, List<HeaderField> fields, bool endsStream)
    {
        CheckOurs(streamId, FrameType.Headers);
        RequestHead.CheckFields(streamId, fields, isTrailer: _hasHead);
        if (!endsStream && fields is [{ Name: ":status", Value: ['1', _, _] }, ..])
        {
            return;
        }

        var failure = Responses.Failure(fields, isTrailer: endsStream);
        if (failure is not null)
        {
            Fail(failure);
        }
        else if (endsStream)
        {
            Finish();
        }
        else if (_hasHead)
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"{Wire.Peer} sent trailers that do not end the stream.");
        }

        _hasHead = true;
    }

    protected override void OnData(in FrameHeader frame, int dataBytes)
    {
        CheckOurs(frame.StreamId, FrameType.Data);
        if (dataBytes > MaxAnswerBytes - _answerBytes)
        {
            Fail($"it answered with more than {MaxAnswerBytes} bytes, which is no PushSummary");
            return;
        }

        for (var left = dataBytes; left > 0;)
        {
            var bytes = Take(left);
            bytes.CopyTo(_answer.AsSpan(_answerBytes));
            _answerBytes += bytes.Length;
            left -= bytes.Length;
        }

        if (frame.Has(FrameFlags.EndStream))
        {
            Fail("it ended the call without a gRPC status");
        }
    }

    protected override void OnReset(int streamId, ErrorCode code)
    {
        CheckOurs(streamId, FrameType.ResetStream);
        Fail($"it reset the stream with {code}");
    }

    protected override void OnWindowUpdate(int streamId, int increment)
    {
        if (streamId != 0)
        {
            CheckOurs(streamId, FrameType.WindowUpdate);
        }

        // A peer may renew its windows for every frame that it got.
        EarnUpdates(2 * sender.TakeFrameCount());
        if (!sender.TryGrow(streamId != 0, increment))
        {
            throw new Http2Exception(ErrorCode.FlowControlError, $"{Wire.Peer} grew the window of stream {streamId} by {increment}, beyond {Window.LargestBytes}.");
        }
    }

    protected override void OnGoAway(int lastStreamId, ErrorCode code, string debug)
    {
        // A peer that goes away in order still serves the streams up to the last one.
        if (code != ErrorCode.NoError || lastStreamId < LinkSender.StreamId)
        {
            PeerReason ??= debug.Length > 0 ? $"it sent GOAWAY with {code}: {debug}" : $"it sent GOAWAY with {code}";
        }
    }

    protected override void OnStreamError(Http2StreamException error)
    {
        Span<byte> frame = stackalloc byte[ControlFrames.ResetBytes];
        SendControl(frame[..ControlFrames.WriteReset(frame, error.StreamId, error.Code)]);
        Fail(error.Message);
    }

    private void Finish()
    {
        if (_answerBytes >= SegmentCodec.PrefixBytes && SegmentCodec.ReadSummary(_answer.AsSpan(SegmentCodec.PrefixBytes, _answerBytes - SegmentCodec.PrefixBytes)) is { } summary)
        {
            Summary = summary;
            Answered?.Invoke();
        }
        else
        {
            Fail($"it answered with {_answerBytes} bytes that are no PushSummary");
        }
    }

    private void Fail(string reason)
    {
        PeerReason ??= reason;
        Answered?.Invoke();
    }

    private void CheckOurs(int streamId, FrameType type)
    {
        if (streamId != LinkSender.StreamId)
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"{Wire.Peer} sent a {type} frame on stream {streamId}; only stream {LinkSender.StreamId} is open.");
        }
    }
}
