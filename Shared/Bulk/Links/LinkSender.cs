using System.Runtime.InteropServices;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Links;

/// <summary>The sending half of a link: a queue and the one thread that writes to the wire, within the peer's windows.</summary>
/// <remarks>Control frames go out between batches. Windows and settings are set by the receiving thread.</remarks>
internal sealed unsafe class LinkSender : IDisposable
{
    public const int StreamId = 1;

    private readonly object _gate = new();
    private readonly Wire _wire;
    private readonly IBulkLinkEvents _events;
    private readonly int _maxControlBytes;
    private readonly OutgoingQueue _queue;
    private readonly FrameBatch _batch;
    private readonly byte[] _control;
    private readonly byte* _controlSending;
    private int _controlBytes;
    private Settings _peer = new();
    private Window _connection = new(Window.DefaultBytes);
    private long _streamCredit;
    private bool _isSettled;
    private bool _isEnding;
    private bool _isEnded;
    private bool _isStopped;
    private bool _isIdle;
    private int _whole;
    private int _flushes;
    private long _enqueued;
    private int _frames;

    public LinkSender(Wire wire, IBulkLinkEvents events, BulkLimits limits)
    {
        (_wire, _events, _maxControlBytes) = (wire, events, limits.MaxPendingControlBytes);
        _batch = new FrameBatch(wire);
        _queue = new OutgoingQueue(limits.MaxQueuedMessages);
        _control = new byte[_maxControlBytes];
        _controlSending = (byte*)NativeMemory.Alloc((nuint)_maxControlBytes);
    }

    /// <summary>The frame that ends the stream is sent or about to be.</summary>
    public bool IsEnded => Volatile.Read(ref _isEnded);

    /// <summary>Messages that are sent.</summary>
    public long Messages { get; private set; }

    /// <summary>DATA frames sent since it was last asked.</summary>
    public int TakeFrameCount() => Interlocked.Exchange(ref _frames, 0);

    /// <returns>False: the link has stopped. Throws when too many wait.</returns>
    public bool TryEnqueue(in Outgoing message)
    {
        lock (_gate)
        {
            if (_isStopped || _isEnding)
            {
                return false;
            }

            if (!_queue.TryAdd(message))
            {
                throw new BulkLinkException($"The link to {_wire.Peer} holds {_queue.Count} messages that wait to be sent, which is its bound. Send fewer ahead.");
            }

            _enqueued++;
            if (message.Header.PayloadBytes > 0 || !TrySendHere())
            {
                Wake();
            }

            return true;
        }
    }

    /// <summary>A small frame, before further messages.</summary>
    /// <exception cref="Http2Exception">Too many wait: the peer asks for answers and does not read them.</exception>
    public void Control(ReadOnlySpan<byte> frame)
    {
        lock (_gate)
        {
            if (_controlBytes + frame.Length > _maxControlBytes)
            {
                throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer caused {_controlBytes} bytes of answers and reads none; at most {_maxControlBytes} are held.");
            }

            frame.CopyTo(_control.AsSpan(_controlBytes));
            _controlBytes += frame.Length;
            Wake();
        }
    }

    public void Apply(ReadOnlySpan<byte> entries)
    {
        lock (_gate)
        {
            _peer = _peer.With(entries);
            _isSettled = true;
            Wake();
        }
    }

    /// <param name="isStream">False: the connection's window.</param>
    /// <returns>False: beyond what a window may be.</returns>
    public bool TryGrow(bool isStream, int increment)
    {
        lock (_gate)
        {
            if (isStream)
            {
                _streamCredit += increment;
                Wake();
                return _peer.InitialWindowBytes + _streamCredit <= Window.LargestBytes;
            }

            Wake();
            return _connection.TryGrow(increment);
        }
    }

    /// <summary>Ends the stream after what is queued.</summary>
    public void End()
    {
        lock (_gate)
        {
            _isEnding = true;
            Wake();
        }
    }

    /// <summary>Sends no more and forgets what is queued. A send in progress is ended by shutting the wire down.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            _queue.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until everything that is queued now has been sent.</summary>
    /// <returns>False: the link was lost.</returns>
    public bool Flush(CancellationToken cancellation)
    {
        using var wake = cancellation.Register(() =>
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        });
        lock (_gate)
        {
            _flushes++;
            try
            {
                for (var target = _enqueued; Messages < target && !_isStopped;)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Monitor.Wait(_gate);
                }
            }
            finally
            {
                _flushes--;
            }

            return !_isStopped;
        }
    }

    /// <summary>The sending thread: returns when stopped.</summary>
    /// <exception cref="IOException">The wire broke.</exception>
    public void Run()
    {
        while (TryPlan())
        {
            _wire.SendAll(_batch.Slices, _batch.Count);
            Interlocked.Add(ref _frames, _batch.Frames);
            Report();
        }
    }

    public void Dispose()
    {
        _batch.Dispose();
        NativeMemory.Free(_controlSending);
    }

    /// <summary>Sends a message without payload from the thread that queued it, when nothing else waits: waking the sending thread costs more than the call.</summary>
    /// <returns>False: it is the sending thread's. True: it is sent, or as good as sent: the kernel has some of its few bytes and the rest go out first.</returns>
    private bool TrySendHere()
    {
        // An idle thread is not within the batch, and what else it was woken for would stand in the queue or among the control frames.
        if (!_isIdle || _queue.Count != 1 || _controlBytes > 0)
        {
            return false;
        }

        Plan();
        if (_whole == 0)
        {
            // No window or no settings yet. Frames of it that fitted into the window must go out.
            KeepUnsent(0);
            return false;
        }

        KeepUnsent(_wire.TrySend(_batch.Slices, _batch.Count));
        Interlocked.Add(ref _frames, _batch.Frames);
        _queue.Take();
        _whole = 0;
        Messages++;
        if (_flushes > 0)
        {
            Monitor.PulseAll(_gate);
        }

        return true;
    }

    /// <summary>What the kernel did not take of a batch of small frames goes in front of what the sending thread sends next.</summary>
    private void KeepUnsent(long sent)
    {
        for (var index = IoSlice.Advance(_batch.Slices, _batch.Count, sent); index < _batch.Count; index++)
        {
            var slice = _batch.Slices[index];
            new ReadOnlySpan<byte>(slice.Address, (int)slice.Bytes).CopyTo(_control.AsSpan(_controlBytes));
            _controlBytes += (int)slice.Bytes;
            Wake();
        }
    }

    private bool TryPlan()
    {
        lock (_gate)
        {
            while (true)
            {
                if (_isStopped)
                {
                    return false;
                }

                Plan();
                if (_batch.Count > 0)
                {
                    return true;
                }

                _isIdle = true;
                Monitor.Wait(_gate);
                _isIdle = false;
            }
        }
    }

    private void Plan()
    {
        _batch.Clear();
        if (_controlBytes > 0)
        {
            _control.AsSpan(0, _controlBytes).CopyTo(new Span<byte>(_controlSending, _controlBytes));
            _batch.Add(_controlSending, _controlBytes);
            _controlBytes = 0;
        }

        if (!_isSettled || _isEnded)
        {
            return;
        }

        var before = Math.Max(0, Math.Min(_connection.Usable, _peer.InitialWindowBytes + _streamCredit));
        var window = before;
        var whole = 0;
        while (whole < _queue.Count && _batch.TryAdd(ref _queue.At(whole), StreamId, _peer.MaxFrameBytes, ref window))
        {
            whole++;
        }

        _connection.Spend(before - window);
        _streamCredit -= before - window;
        if (_isEnding && _queue.Count == 0)
        {
            _batch.AddEnd(StreamId);
            _isEnded = true;
        }

        _whole = whole;
    }

    private void Report()
    {
        for (var isFirst = true; ; isFirst = false)
        {
            Outgoing message;
            lock (_gate)
            {
                if (!isFirst)
                {
                    // After its callback, so that a flush that returns has seen them all.
                    Messages++;
                    Monitor.PulseAll(_gate);
                }

                if (_whole == 0 || _isStopped)
                {
                    return;
                }

                _whole--;
                message = _queue.Take();
            }

            if (message.Header.PayloadBytes > 0)
            {
                _events.Sent(message.Header, message.State);
            }
        }
    }

    private void Wake()
    {
        if (_isIdle)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
