using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Connections;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Server;

/// <summary>The server's side of one connection: its frames, and which stream they belong to.</summary>
internal sealed class ServerConnection : FrameLoop
{
    private readonly BulkServerOptions _options;
    private readonly ServerWriter _writer;
    private readonly ServerCalls _calls;
    private readonly Dictionary<int, PushStream> _streams = [];
    private readonly RecentStreams _dropped = new();
    private int _lastStreamId;

    public ServerConnection(Wire wire, BulkServerOptions options, BulkResolver resolve)
        : base(wire, options)
    {
        _options = options;
        _writer = new ServerWriter(wire);
        _calls = new ServerCalls(resolve, _writer, Shutdown);
    }

    /// <summary>Serves until the connection ends, however it does; then every stream's receiver has been told.</summary>
    /// <returns>Why it ended; null: in order, with no stream open.</returns>
    public string? Serve()
    {
        Http2Exception? fault = null;
        string? reason = null;
        try
        {
            Wire.Quiet = OnQuiet;
            Open();
            Run();
        }
        catch (Http2Exception error)
        {
            (fault, reason) = (error, error.Message);
        }
        catch (IOException error)
        {
            reason = $"The connection to {Wire.Peer} broke: {error.Message}.";
        }

        if (ShutdownReason is { } own)
        {
            reason = $"The connection to {Wire.Peer} was ended: {own}.";
        }

        var open = CloseStreams(reason ?? $"{Wire.Peer} closed the connection.");
        if (fault is not null)
        {
            Linger.SayGoodbye(Wire, _writer, _lastStreamId, fault);
        }

        return reason ?? (open > 0 ? $"{Wire.Peer} closed the connection with {open} open streams." : null);
    }

    /// <summary>Takes a receiver's streams away from it: see <see cref="BulkServer.Release"/>.</summary>
    public void Release(IBulkReceiver receiver, string reason)
    {
        PushStream[] streams;
        lock (_streams)
        {
            streams = [.. _streams.Values.Where(stream => stream.BelongsTo(receiver))];
        }

        foreach (var stream in streams)
        {
            if (stream.Release(() => Shutdown(reason)))
            {
                _calls.Refuse(stream, BulkStatus.Aborted, reason);
            }
        }
    }

    protected override void SendControl(ReadOnlySpan<byte> frame) => _writer.Control(frame);

    protected override void OnSettings(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> acknowledgement) => _writer.Apply(entries, acknowledgement);

    protected override void OnHeaders(int streamId, List<HeaderField> fields, bool endsStream)
    {
        if (_streams.TryGetValue(streamId, out var known))
        {
            OnTrailers(known, fields, endsStream);
            return;
        }

        if (streamId % 2 == 0)
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"The peer opened stream {streamId}; a client's streams have odd numbers.");
        }

        if (streamId <= _lastStreamId)
        {
            CheckDropped(streamId, FrameType.Headers);
            return;
        }

        _lastStreamId = streamId;
        DropFinished();
        if (_streams.Count >= _options.Limits.MaxStreams)
        {
            throw new Http2StreamException(streamId, ErrorCode.RefusedStream, $"The peer opened a stream beyond the {_options.Limits.MaxStreams} that it may have open.");
        }

        var head = RequestHead.Read(streamId, fields);
        if (head.Status is { } refusal)
        {
            _writer.Refuse(streamId, endsStream, head.HttpStatus, refusal, head.Reason);
            _dropped.Add(streamId);
            return;
        }

        var stream = new PushStream(streamId, head.Call, _options);
        lock (_streams)
        {
            _streams.Add(streamId, stream);
        }

        if (endsStream)
        {
            stream.EndRemote();
        }

        Processor.Stay(_options.ChooseProcessor?.Invoke(head.Call));
        _calls.Resolve(stream);
    }

    protected override unsafe void OnData(in FrameHeader frame, int dataBytes)
    {
        if (!_streams.TryGetValue(frame.StreamId, out var stream))
        {
            CheckDropped(frame.StreamId, FrameType.Data);
            return;
        }

        if (stream.IsRemoteEnded)
        {
            throw new Http2StreamException(stream.Id, ErrorCode.StreamClosed, $"The peer sent DATA on stream {stream.Id} after it had ended it.");
        }

        if (!stream.TryTakeWindow(frame.Length))
        {
            throw new Http2StreamException(stream.Id, ErrorCode.FlowControlError, $"The peer sent {frame.Length} bytes on stream {stream.Id}, more than its window.");
        }

        var reader = stream.Reader;
        try
        {
            for (var left = dataBytes; left > 0 && !stream.IsFinished;)
            {
                if (stream.IsAccepted && reader.PayloadLeft > 0)
                {
                    var received = ReceiveTo(reader.PayloadPosition, Math.Min(left, reader.PayloadLeft));
                    left -= received;
                    reader.PayloadArrived(received);
                    continue;
                }

                var bytes = Take(left);
                left -= bytes.Length;
                if (!stream.TryHold(bytes))
                {
                    reader.Read(bytes);
                }
            }
        }
        catch (Exception error) when (error is not (IOException or Http2Exception))
        {
            _calls.Reject(stream, error);
        }

        if (frame.Has(FrameFlags.EndStream))
        {
            EndRemote(stream);
        }
        else if (stream.RenewWindow() is > 0 and var increment)
        {
            SendWindowUpdate(stream.Id, increment);
        }
    }

    protected override void OnReset(int streamId, ErrorCode code)
    {
        CheckNotIdle(streamId, FrameType.ResetStream);
        Drop(streamId, $"the peer reset it with {code}.");
    }

    protected override void OnWindowUpdate(int streamId, int increment)
    {
        if (streamId == 0)
        {
            _writer.Grow(null, increment);
            return;
        }

        CheckNotIdle(streamId, FrameType.WindowUpdate);
        if (_streams.TryGetValue(streamId, out var stream))
        {
            _writer.Grow(stream, increment);
        }
    }

    protected override void OnGoAway(int lastStreamId, ErrorCode code, string debug)
    {
        // The client will open no more streams; those that are open go on.
    }

    protected override void OnStreamError(Http2StreamException error)
    {
        Span<byte> frame = stackalloc byte[ControlFrames.ResetBytes];
        SendControl(frame[..ControlFrames.WriteReset(frame, error.StreamId, error.Code)]);
        Drop(error.StreamId, error.Message);
        _dropped.Add(error.StreamId);
    }

    private void Open()
    {
        Span<byte> frames = stackalloc byte[ControlFrames.MostSettingsBytes + ControlFrames.WindowUpdateBytes];
        var bytes = ControlFrames.WriteSettings(frames, OwnSettings(Options, isServer: true));
        bytes += ControlFrames.WriteWindowUpdate(frames[bytes..], 0, Window.LargestBytes - Window.DefaultBytes);
        SendControl(frames[..bytes]);
        if (!Source.Take(ControlFrames.Preface.Length).SequenceEqual(ControlFrames.Preface))
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"{Wire.Peer} does not speak HTTP/2: its first bytes are not the connection preface.");
        }
    }

    private void OnTrailers(PushStream stream, List<HeaderField> fields, bool endsStream)
    {
        if (stream.IsRemoteEnded)
        {
            throw new Http2StreamException(stream.Id, ErrorCode.StreamClosed, $"The peer sent HEADERS on stream {stream.Id} after it had ended it.");
        }

        RequestHead.CheckFields(stream.Id, fields, isTrailer: true);
        if (!endsStream)
        {
            throw new Http2StreamException(stream.Id, ErrorCode.ProtocolError, $"The peer sent a second header list on stream {stream.Id} that does not end it.");
        }

        EndRemote(stream);
    }

    private void EndRemote(PushStream stream)
    {
        if (stream.EndRemote())
        {
            _calls.Complete(stream);
        }
    }

    private void Drop(int streamId, string why)
    {
        if (_streams.TryGetValue(streamId, out var stream))
        {
            _writer.Forget(streamId);
            ServerCalls.Break(stream, why);
            stream.IsAnswered = true;
            Remove(stream);
        }
    }

    private void DropFinished()
    {
        if (_streams.Count > 0)
        {
            foreach (var stream in _streams.Values.Where(stream => stream.IsFinished && stream.IsAnswered).ToArray())
            {
                Remove(stream);
            }
        }
    }

    private void Remove(PushStream stream)
    {
        lock (_streams)
        {
            _streams.Remove(stream.Id);
        }

        stream.StopReading();
        stream.Dispose();
        if (!stream.IsRemoteEnded)
        {
            _dropped.Add(stream.Id);
        }
    }

    private int CloseStreams(string why)
    {
        var open = 0;
        foreach (var stream in _streams.Values.ToArray())
        {
            open += ServerCalls.Break(stream, why) ? 1 : 0;
            Remove(stream);
        }

        return open;
    }

    private void CheckNotIdle(int streamId, FrameType type)
    {
        if (streamId > _lastStreamId || streamId % 2 == 0)
        {
            throw new Http2Exception(ErrorCode.ProtocolError, $"The peer sent a {type} frame on stream {streamId}, which is not open.");
        }
    }

    private void CheckDropped(int streamId, FrameType type)
    {
        CheckNotIdle(streamId, type);
        if (!_dropped.Contains(streamId))
        {
            throw new Http2Exception(ErrorCode.StreamClosed, $"The peer sent a {type} frame on stream {streamId}, which is closed.");
        }
    }
}
