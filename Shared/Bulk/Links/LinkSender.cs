using System.Runtime.InteropServices;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Links;

/// <summary>The sending half of a link: a queue and the one thread that writes to the wire, within the peer's windows.</summary>
/// <remarks>
/// Control frames go out between batches. Windows and settings are set by the receiving thread. A message that is queued while the sending thread has nothing to
/// do may be sent by the thread that queues it, as far as the kernel takes it at once: waking a thread costs more than a small message.
/// </remarks>
internal sealed unsafe class LinkSender : IDisposable
{
    public const int StreamId = 1;

    private readonly object _gate = new();
    private readonly Wire _wire;
    private readonly IBulkLinkEvents _events;
    private readonly int _maxControlBytes;
    private readonly bool _tellsSent;
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
    private bool _isPlanned;
    private int _unsent;
    private int _whole;
    private int _flushes;
    private long _enqueued;
    private int _frames;

    /// <param name="wire">Where it sends.</param>
    /// <param name="events">Told on the sending thread.</param>
    /// <param name="limits">Bounds of what is held.</param>
    /// <param name="tellsSent">Whether messages with a payload are reported when they are sent; then only the sending thread sends them.</param>
    public LinkSender(Wire wire, IBulkLinkEvents events, BulkLimits limits, bool tellsSent = true)
    {
        (_wire, _events, _maxControlBytes, _tellsSent) = (wire, events, limits.MaxPendingControlBytes, tellsSent);
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
            if (!TrySendHere(message))
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
            Hold(frame);
        }
    }

    /// <summary>The peer's settings count from the next batch on, which begins with the acknowledgement.</summary>
    /// <exception cref="Http2Exception">As <see cref="Control"/>; or they may not be what they are.</exception>
    public void Apply(ReadOnlySpan<byte> entries, ReadOnlySpan<byte> acknowledgement)
    {
        lock (_gate)
        {
            _peer = _peer.With(entries);
            _isSettled = true;
            Hold(acknowledgement);
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
            _wire.SendAll(_batch.Slices + _unsent, _batch.Count - _unsent);
            Interlocked.Add(ref _frames, _batch.Frames);
            Report();
        }
    }

    public void Dispose()
    {
        _batch.Dispose();
        NativeMemory.Free(_controlSending);
    }

    private void Hold(ReadOnlySpan<byte> frame)
    {
        if (_controlBytes + frame.Length > _maxControlBytes)
        {
            throw new Http2Exception(ErrorCode.EnhanceYourCalm, $"The peer caused {_controlBytes} bytes of answers and reads none; at most {_maxControlBytes} are held.");
        }

        frame.CopyTo(_control.AsSpan(_controlBytes));
        _controlBytes += frame.Length;
        Wake();
    }

    /// <summary>Sends from the thread that queues what the kernel takes at once.</summary>
    /// <returns>False: the sending thread has to go on.</returns>
    private bool TrySendHere(in Outgoing message)
    {
        // An idle thread is not within the batch, and what else it was woken for would stand in the queue, among the control frames or in the batch.
        if (!_isIdle || _isPlanned || _queue.Count != 1 || _controlBytes > 0 || IsTold(message))
        {
            return false;
        }

        Plan();
        if (_batch.Count == 0)
        {
            // No window or no settings yet.
            return false;
        }

        _unsent = IoSlice.Advance(_batch.Slices, _batch.Count, _wire.TrySend(_batch.Slices, _batch.Count));
        if (_unsent < _batch.Count || _whole == 0)
        {
            _isPlanned = true;
            return false;
        }

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

                if (_isPlanned)
                {
                    _isPlanned = false;
                    return true;
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
        _unsent = 0;
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

            if (IsTold(message))
            {
                _events.Sent(message.Header, message.State);
            }
        }
    }

    private bool IsTold(in Outgoing message) => _tellsSent && message.Header.PayloadBytes > 0;

    private void Wake()
    {
        if (_isIdle)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
