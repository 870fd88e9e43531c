using System.Buffers.Binary;
using System.Text;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Connections;

/// <summary>Receives the frames of one connection and does with them what both sides do alike; the rest is the derived side's.</summary>
/// <remarks>Runs on the connection's receiving thread. A stream's error resets the stream; a connection's error ends <see cref="Run"/>.</remarks>
internal abstract class FrameLoop(Wire wire, BulkOptions options) : IDisposable
{
    private const int PriorityBytes = 5;
    private const int MostPaddingBytes = 1 + byte.MaxValue;

    // More entries than SETTINGS has names; a frame may repeat them, but not for ever.
    private const int MaxSettingsFrameBytes = 64 * Settings.EntryBytes;
    private const int MaxDebugBytes = 256;
    private const int ResetCost = 1;

    private readonly HeaderBlock _block = new(options.Limits);
    private readonly HpackDecoder _decoder = new(options.Limits.HeaderTableBytes, options.Limits.MaxHeaderListBytes);
    private FloodGuard _control = new(options.Limits.MaxControlFramesPerSecond);
    private FloodGuard _resets = new(options.Limits.MaxResetsPerSecond);
    private FloodGuard _updates = new(options.Limits.MaxControlFramesPerSecond);
    private KeepAlive _keepAlive = new(options.KeepAliveDelay, options.KeepAliveTimeout);
    private LossWatch _losses;
    private ReceiveWindow _window = new(Window.LargestBytes);
    private readonly long _began = Environment.TickCount64;
    private bool _isSettled;
    private int _left;

    /// <summary>Why we shut the connection down ourselves; null: we did not.</summary>
    public string? ShutdownReason { get; private set; }

    protected BulkOptions Options { get; } = options;

    protected Wire Wire { get; } = wire;

    protected FrameSource Source { get; } = new(wire, options.Limits.MaxHeaderBlockBytes + MostPaddingBytes + PriorityBytes);

    /// <summary>The peer's first SETTINGS frame has come.</summary>
    protected bool IsSettled => _isSettled;

    /// <summary>Handles frames until the peer ends the connection.</summary>
    /// <exception cref="Http2Exception">The peer broke a rule of the connection.</exception>
    /// <exception cref="IOException">The connection broke, or ended within a frame.</exception>
    public void Run()
    {
        Wire.Quiet = OnQuiet;
        while (Source.TryReadHeader(out var frame))
        {
            _left = frame.Length;
            try
            {
                Handle(frame);
            }
            catch (Http2StreamException error)
            {
                // A reset that the peer makes us send costs as much as one that it sends.
                Charge(ref _resets, ResetCost, frame, Options.Limits.MaxResetsPerSecond);
                OnStreamError(error);
            }

            Skip(_left);
        }
    }

    /// <summary>Ends the connection from any thread.</summary>
    public void Shutdown(string reason)
    {
        ShutdownReason ??= reason;
        Wire.Shutdown();
    }

    public void Dispose() => Source.Dispose();

    /// <summary>Our settings: large frames, and no push.</summary>
    public static Settings OwnSettings(BulkOptions options, bool isServer) => new()
    {
        HeaderTableBytes = (uint)options.Limits.HeaderTableBytes,
        MaxConcurrentStreams = isServer ? (uint)options.Limits.MaxStreams : uint.MaxValue,
        PushEnabled = isServer,
        MaxFrameBytes = options.Limits.MaxFrameBytes,
        MaxHeaderListBytes = (uint)options.Limits.MaxHeaderListBytes,
    };

    /// <summary>Sends a small frame, soon.</summary>
    protected abstract void SendControl(ReadOnlySpan<byte> frame);

    /// <summary>Takes the peer's settings over, and sends the acknowledgement BEFORE anything that makes use of them: gRPC's C core refuses larger frames until it has it.</summary>
    protected abstract void OnSettings(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> acknowledgement);

    protected abstract void OnHeaders(int streamId, List<HeaderField> fields, bool endsStream);

    /// <summary>Takes the data of a frame: exactly <paramref name="dataBytes"/> by <see cref="Take"/>, <see cref="ReceiveTo"/> and <see cref="Skip"/>.</summary>
    protected abstract void OnData(in FrameHeader frame, int dataBytes);

    protected abstract void OnReset(int streamId, ErrorCode code);

    /// <param name="streamId">0: the connection.</param>
    protected abstract void OnWindowUpdate(int streamId, int increment);

    protected abstract void OnGoAway(int lastStreamId, ErrorCode code, string debug);

    protected abstract void OnStreamError(Http2StreamException error);

    /// <summary>Window updates that our own sending asks for.</summary>
    protected void EarnUpdates(int count) => _updates.Earn(count);

    /// <summary>Takes some of the frame's bytes as they come: at least one.</summary>
    protected ReadOnlySpan<byte> Take(int most)
    {
        var taken = Source.TakeSome(Math.Min(most, _left));
        _left -= taken.Length;
        return taken;
    }

    /// <summary>Receives some of the frame's bytes into a place.</summary>
    protected unsafe int ReceiveTo(byte* place, int most)
    {
        var received = Source.Receive(place, Math.Min(most, _left));
        _left -= received;
        return received;
    }

    protected void Skip(int bytes)
    {
        _left -= bytes;
        Source.Skip(bytes);
    }

    protected virtual void OnQuiet()
    {
        var now = Environment.TickCount64;
        if (!_isSettled && now - _began > Options.HandshakeTimeout.TotalMilliseconds)
        {
            Shutdown($"it sent no HTTP/2 settings within {Options.HandshakeTimeout.TotalSeconds:0.#} s");
            return;
        }

        if (_losses.Tick(now, Wire.Retransmissions))
        {
            Shutdown($"its host acknowledges nothing: what was sent to it went out {Wire.Retransmissions} times more without an answer, and it was silent for {(now - Wire.LastReceived) / 1000.0:0.##} s");
            return;
        }

        switch (_keepAlive.Tick(now, Math.Max(Wire.LastReceived, Wire.LastDrained)))
        {
            case KeepAliveAction.Ping:
                Span<byte> frame = stackalloc byte[ControlFrames.PingBytes];
                SendControl(frame[..ControlFrames.WritePing(frame, "bulkping"u8, isAck: false)]);
                break;
            case KeepAliveAction.Dead:
                Shutdown($"it was silent for {(now - Wire.LastReceived) / 1000.0:0.##} s and answered no ping within {Options.KeepAliveTimeout.TotalSeconds:0.##} s");
                break;
        }
    }

    private void Handle(in FrameHeader frame)
    {
        FrameRules.Check(frame, Options.Limits.MaxFrameBytes);
        if (_block.StreamId != 0 && (frame.Type != FrameType.Continuation || frame.StreamId != _block.StreamId))
        {
            throw Protocol($"a {frame.Type} frame on stream {frame.StreamId} within the header block of stream {_block.StreamId}");
        }

        if (!_isSettled && (frame.Type != FrameType.Settings || frame.Has(FrameFlags.Ack)))
        {
            throw Protocol($"a {frame.Type} frame before its SETTINGS");
        }

        switch (frame.Type)
        {
            case FrameType.Data:
                HandleData(frame);
                break;
            case FrameType.Headers:
                HandleHeaders(frame);
                break;
            case FrameType.Continuation:
                HandleContinuation(frame);
                break;
            case FrameType.ResetStream:
                Charge(ref _resets, ResetCost, frame, Options.Limits.MaxResetsPerSecond);
                OnReset(frame.StreamId, (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(TakeWhole(frame.Length)));
                break;
            case FrameType.Settings:
                HandleSettings(frame);
                break;
            case FrameType.Ping:
                HandlePing(frame);
                break;
            case FrameType.GoAway:
                HandleGoAway(frame);
                break;
            case FrameType.WindowUpdate:
                HandleWindowUpdate(frame);
                break;
            case FrameType.PushPromise:
                throw Protocol("a PUSH_PROMISE frame, which was not allowed");
            default:
                ChargeControl(frame);
                Skip(_left);
                break;
        }
    }

    private void HandleData(in FrameHeader frame)
    {
        if (!_window.TryTake(frame.Length))
        {
            throw new Http2Exception(ErrorCode.FlowControlError, $"The peer sent {frame.Length} bytes of DATA; the connection's window has fewer.");
        }

        var dataBytes = frame.Length - TakePadding(frame, 0);
        if (dataBytes == 0 && !frame.Has(FrameFlags.EndStream))
        {
            ChargeControl(frame);
        }

        OnData(frame, dataBytes);
        var increment = _window.Renewal();
        if (increment > 0)
        {
            SendWindowUpdate(0, increment);
        }
    }

    protected void SendWindowUpdate(int streamId, int increment)
    {
        Span<byte> update = stackalloc byte[ControlFrames.WindowUpdateBytes];
        SendControl(update[..ControlFrames.WriteWindowUpdate(update, streamId, increment)]);
    }

    private void HandleHeaders(in FrameHeader frame)
    {
        var others = frame.Has(FrameFlags.Priority) ? PriorityBytes : 0;
        var padding = TakePadding(frame, others);
        if (others > 0)
        {
            TakeWhole(others);
        }

        _block.Begin(frame.StreamId, frame.Has(FrameFlags.EndStream));
        Append(frame, frame.Length - others - padding);
    }

    private void HandleContinuation(in FrameHeader frame)
    {
        if (_block.StreamId == 0)
        {
            throw Protocol($"a CONTINUATION frame on stream {frame.StreamId}, where no header block is open");
        }

        _block.CountContinuation();
        Append(frame, frame.Length);
    }

    private void Append(in FrameHeader frame, int fragmentBytes)
    {
        _block.CheckRoom(fragmentBytes);
        _block.Append(TakeWhole(fragmentBytes));
        Skip(_left);
        if (frame.Has(FrameFlags.EndHeaders))
        {
            var streamId = _block.StreamId;
            _block.Close();
            OnHeaders(streamId, _decoder.Decode(_block.Bytes), _block.EndsStream);
        }
    }

    private void HandleSettings(in FrameHeader frame)
    {
        ChargeControl(frame);
        if (frame.Has(FrameFlags.Ack))
        {
            return;
        }

        if (frame.Length > MaxSettingsFrameBytes)
        {
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer sent {frame.Length} bytes of SETTINGS; at most {MaxSettingsFrameBytes} are taken.");
        }

        Span<byte> ack = stackalloc byte[FrameHeader.Bytes];
        OnSettings(TakeWhole(frame.Length), ack[..ControlFrames.WriteSettingsAck(ack)]);
        _isSettled = true;
    }

    private void HandlePing(in FrameHeader frame)
    {
        ChargeControl(frame);
        var opaque = TakeWhole(frame.Length);
        if (!frame.Has(FrameFlags.Ack))
        {
            Span<byte> answer = stackalloc byte[ControlFrames.PingBytes];
            SendControl(answer[..ControlFrames.WritePing(answer, opaque, isAck: true)]);
        }
    }

    private void HandleGoAway(in FrameHeader frame)
    {
        ChargeControl(frame);
        var fields = TakeWhole(8);
        var lastStreamId = BinaryPrimitives.ReadInt32BigEndian(fields) & int.MaxValue;
        var code = (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(fields[4..]);
        OnGoAway(lastStreamId, code, Printable(TakeWhole(Math.Min(_left, MaxDebugBytes))));
    }

    private void HandleWindowUpdate(in FrameHeader frame)
    {
        Charge(ref _updates, 1, frame, Options.Limits.MaxControlFramesPerSecond);
        var increment = BinaryPrimitives.ReadInt32BigEndian(TakeWhole(frame.Length)) & int.MaxValue;
        if (increment == 0)
        {
            var what = $"The peer sent a WINDOW_UPDATE of 0 on stream {frame.StreamId}.";
            throw frame.StreamId == 0
                ? new Http2Exception(ErrorCode.ProtocolError, what)
                : new Http2StreamException(frame.StreamId, ErrorCode.ProtocolError, what);
        }

        OnWindowUpdate(frame.StreamId, increment);
    }

    /// <summary>Bytes of a frame that are padding: the length byte, taken here, and what it says.</summary>
    private int TakePadding(in FrameHeader frame, int others)
    {
        if (!frame.Has(FrameFlags.Padded))
        {
            return others <= frame.Length ? 0 : throw TooShort(frame);
        }

        if (frame.Length < 1 + others)
        {
            throw TooShort(frame);
        }

        var padding = 1 + TakeWhole(1)[0];
        return padding + others <= frame.Length
            ? padding
            : throw Protocol($"a {frame.Type} frame of {frame.Length} bytes with {padding - 1} bytes of padding");
    }

    private ReadOnlySpan<byte> TakeWhole(int bytes)
    {
        _left -= bytes;
        return Source.Take(bytes);
    }

    private void ChargeControl(in FrameHeader frame) => Charge(ref _control, 1, frame, Options.Limits.MaxControlFramesPerSecond);

    private static void Charge(ref FloodGuard guard, int cost, in FrameHeader frame, int limit)
    {
        if (!guard.TryTake(cost, Environment.TickCount64))
        {
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer sent more than {limit} {frame.Type} or other frames without content, or that end streams, in a second.");
        }
    }

    private static Http2Exception Protocol(string what) => new(ErrorCode.ProtocolError, $"The peer sent {what}.");

    private static Http2Exception TooShort(in FrameHeader frame) =>
        new(ErrorCode.FrameSizeError, $"The peer sent a {frame.Type} frame of {frame.Length} bytes, too short for its flags {frame.Flags}.");

    private static string Printable(ReadOnlySpan<byte> debug) =>
        string.Concat(Encoding.Latin1.GetString(debug).Select(character => character is >= ' ' and <= '~' ? character : '?'));
}
