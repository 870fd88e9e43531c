using System.Buffers;
using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Connections;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Messages;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Server;

/// <summary>Writes what a server answers: all small, so any thread writes it itself, one at a time, within the peer's windows.</summary>
/// <remarks>
/// A peer that does not read fills the kernel's buffer; then the write waits, and with it the receiving thread, so that a flood of
/// frames that ask for answers stops by itself; after <see cref="Wire.SendPatience"/> the connection ends.
/// </remarks>
internal sealed class ServerWriter(Wire wire)
{
    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _frames = new();
    private readonly List<Answer> _waiting = [];
    private Settings _peer = new();
    private Window _window = new(Window.DefaultBytes);

    public void Control(ReadOnlySpan<byte> frame)
    {
        lock (_gate)
        {
            wire.SendAll(frame);
        }
    }

    /// <summary>Opens the window of a stream that may have ended meanwhile.</summary>
    public void OpenWindow(PushStream stream, int increment)
    {
        Span<byte> update = stackalloc byte[ControlFrames.WindowUpdateBytes];
        Control(update[..ControlFrames.WriteWindowUpdate(update, stream.Id, increment)]);
    }

    public void Apply(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> acknowledgement)
    {
        lock (_gate)
        {
            _peer = _peer.With(entries);
            wire.SendAll(acknowledgement);
            SendWaiting();
        }
    }

    /// <param name="stream">Null: the connection's window.</param>
    /// <exception cref="Http2Exception">FLOW_CONTROL_ERROR.</exception>
    public void Grow(PushStream? stream, int increment)
    {
        lock (_gate)
        {
            if (stream is null)
            {
                if (!_window.TryGrow(increment))
                {
                    throw new Http2Exception(ErrorCode.FlowControlError, $"The peer grew the connection's window by {increment}, beyond {Window.LargestBytes}.");
                }
            }
            else
            {
                if (_peer.InitialWindowBytes + stream.SendCredit + increment > Window.LargestBytes)
                {
                    throw new Http2StreamException(stream.Id, ErrorCode.FlowControlError,
                        $"The peer grew the window of stream {stream.Id} by {increment}, beyond {Window.LargestBytes}.");
                }

                stream.SendCredit += increment;
            }

            SendWaiting();
        }
    }

    /// <summary>The whole answer of a stream that is refused.</summary>
    public void Refuse(PushStream stream, BulkStatus status, string message)
    {
        stream.IsAnswered = true;
        Refuse(stream.Id, stream.IsRemoteEnded, 200, status, message);
    }

    /// <summary>The whole answer of a call that is refused.</summary>
    /// <param name="streamId">Which.</param>
    /// <param name="isRemoteEnded">False: the peer may still be sending and is told that nobody listens (RFC 9113, section 8.1).</param>
    public void Refuse(int streamId, bool isRemoteEnded, int httpStatus, BulkStatus status, string message)
    {
        lock (_gate)
        {
            Headers(streamId, Responses.Refusal(httpStatus, status, message), endsStream: true);
            if (!isRemoteEnded)
            {
                ControlFrames.WriteReset(_frames.GetSpan(ControlFrames.ResetBytes), streamId, ErrorCode.NoError);
                _frames.Advance(ControlFrames.ResetBytes);
            }

            Send();
        }
    }

    /// <summary>The answer of a call that ended in order; waits for window where there is none.</summary>
    public void Summarize(PushStream stream)
    {
        lock (_gate)
        {
            Headers(stream.Id, Responses.Head, endsStream: false);
            var answer = new Answer(stream, SegmentCodec.WriteSummary(stream.Reader.Messages));
            if (!TryAnswer(answer))
            {
                _waiting.Add(answer);
            }

            Send();
        }
    }

    /// <summary>Forgets an answer that waits.</summary>
    public void Forget(int streamId)
    {
        lock (_gate)
        {
            _waiting.RemoveAll(answer => answer.Stream.Id == streamId);
        }
    }

    private void SendWaiting()
    {
        if (_waiting.Count > 0)
        {
            _waiting.RemoveAll(TryAnswer);
            Send();
        }
    }

    private bool TryAnswer(Answer answer)
    {
        while (answer.Sent < answer.Message.Length)
        {
            var allowed = Math.Min(_window.Usable, _peer.InitialWindowBytes + answer.Stream.SendCredit);
            var bytes = (int)Math.Min(allowed, answer.Message.Length - answer.Sent);
            if (bytes <= 0)
            {
                return false;
            }

            new FrameHeader(bytes, FrameType.Data, 0, answer.Stream.Id).Write(_frames.GetSpan(FrameHeader.Bytes));
            _frames.Advance(FrameHeader.Bytes);
            _frames.Write(answer.Message.AsSpan(answer.Sent, bytes));
            answer.Sent += bytes;
            _window.Spend(bytes);
            answer.Stream.SendCredit -= bytes;
        }

        Headers(answer.Stream.Id, Responses.GoodTrailers, endsStream: true);
        answer.Stream.IsAnswered = true;
        return true;
    }

    private void Headers(int streamId, byte[] block, bool endsStream)
    {
        var flags = (byte)(FrameFlags.EndHeaders | (endsStream ? FrameFlags.EndStream : 0));
        new FrameHeader(block.Length, FrameType.Headers, flags, streamId).Write(_frames.GetSpan(FrameHeader.Bytes));
        _frames.Advance(FrameHeader.Bytes);
        _frames.Write(block);
    }

    private void Send()
    {
        try
        {
            if (_frames.WrittenCount > 0)
            {
                wire.SendAll(_frames.WrittenSpan);
            }
        }
        finally
        {
            _frames.ResetWrittenCount();
        }
    }

    private sealed class Answer(PushStream stream, byte[] message)
    {
        public PushStream Stream { get; } = stream;

        public byte[] Message { get; } = message;

        public int Sent { get; set; }
    }
}
