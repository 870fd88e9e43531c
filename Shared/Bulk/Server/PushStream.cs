using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Messages;

namespace Orchestrator.Bulk.Server;

/// <summary>One Push call on its way in: waits for its receiver, then hands messages to it.</summary>
/// <remarks>
/// The receiving thread feeds it. While nobody is found to take its messages, at most its first window (64 KiB) is held; the large window
/// is opened once they have a place to go. Whoever wins <see cref="TryFinish"/> tells the receiver and answers the peer.
/// </remarks>
internal sealed class PushStream : ISegmentSink, IDisposable
{
    // Guards the fields; never held while the receiver is called.
    private readonly object _gate = new();

    // Held while the receiver takes what came before it, so that its end is not told in the midst of that.
    private readonly object _delivery = new();
    private readonly CancellationTokenSource _ended;
    private ReceiveWindow _window = new(Window.DefaultBytes);
    private byte[] _early = [];
    private int _earlyBytes;
    private bool _isAccepted;
    private bool _isRemoteEnded;
    private bool _isReading;
    private bool _isReleased;
    private int _finished;
    private IBulkReceiver? _receiver;

    public PushStream(int id, in BulkCall call, BulkServerOptions options)
    {
        (Id, Call) = (id, call);
        Reader = new SegmentReader(options.Limits, this);
        _ended = new CancellationTokenSource(options.ResolveTimeout);
        Ended = _ended.Token;
    }

    public int Id { get; }

    public BulkCall Call { get; }

    public SegmentReader Reader { get; }

    /// <summary>The wait for a receiver is over, because the stream is or it took too long.</summary>
    public CancellationToken Ended { get; }

    /// <summary>The receiver has what came before it: only the receiving thread touches the reader from here on. Until then only <see cref="Accept"/> does.</summary>
    public bool IsAccepted => Volatile.Read(ref _isAccepted);

    public bool IsFinished => Volatile.Read(ref _finished) != 0;

    public bool IsRemoteEnded => Volatile.Read(ref _isRemoteEnded);

    /// <summary>Bytes held for want of a receiver.</summary>
    public int HeldBytes => _earlyBytes;

    /// <summary>What window updates gave us to send on it, less what we sent; the peer's initial window comes on top. Guarded by the writer.</summary>
    public long SendCredit { get; set; }

    /// <summary>The peer has the whole answer. Written by the writer.</summary>
    public bool IsAnswered { get; set; }

    public bool BelongsTo(IBulkReceiver receiver) => ReferenceEquals(Volatile.Read(ref _receiver), receiver);

    /// <summary>Takes a frame's bytes off the window. False: FLOW_CONTROL_ERROR.</summary>
    public bool TryTakeWindow(int bytes)
    {
        lock (_gate)
        {
            return _window.TryTake(bytes);
        }
    }

    /// <summary>The window to open for the peer now; 0: none. The large window comes with the receiver.</summary>
    public int RenewWindow()
    {
        lock (_gate)
        {
            return _isAccepted && !_isRemoteEnded ? _window.Renewal() : 0;
        }
    }

    /// <summary>Keeps bytes that came before the stream was accepted: no more than the first window.</summary>
    /// <returns>False: it is; feed the reader.</returns>
    public bool TryHold(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            if (_isAccepted)
            {
                return false;
            }

            if (_earlyBytes + bytes.Length > _early.Length)
            {
                Array.Resize(ref _early, Math.Max(_earlyBytes + bytes.Length, Math.Min(2 * _early.Length, Window.DefaultBytes)));
            }

            bytes.CopyTo(_early.AsSpan(_earlyBytes));
            _earlyBytes += bytes.Length;
            return true;
        }
    }

    /// <summary>There is a receiver: it takes what came before it. From then on the receiving thread feeds the reader.</summary>
    /// <returns>True: the peer has ended the stream already.</returns>
    /// <exception cref="BulkRejectedException">Of the reader.</exception>
    public bool Accept(IBulkReceiver receiver)
    {
        lock (_delivery)
        {
            if (IsFinished)
            {
                return false;
            }

            Volatile.Write(ref _receiver, receiver);
            while (true)
            {
                byte[] early;
                int bytes;
                lock (_gate)
                {
                    if (_earlyBytes == 0)
                    {
                        Volatile.Write(ref _isAccepted, true);
                        return _isRemoteEnded;
                    }

                    (early, bytes) = (_early, _earlyBytes);
                    (_early, _earlyBytes) = ([], 0);
                }

                // What comes in the meantime is held too, within the same first window.
                Reader.Read(early.AsSpan(0, bytes));
            }
        }
    }

    /// <summary>The peer has ended its side.</summary>
    /// <returns>True: its messages have all been read, so it can be finished.</returns>
    public bool EndRemote()
    {
        lock (_gate)
        {
            _isRemoteEnded = true;
            return _isAccepted;
        }
    }

    /// <summary>Claims the end of the stream; true for one caller.</summary>
    public bool TryFinish()
    {
        if (Interlocked.Exchange(ref _finished, 1) != 0)
        {
            return false;
        }

        try
        {
            _ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The connection ended first and took the stream along; nobody waits any more.
        }

        return true;
    }

    /// <summary>Tells the receiver, unless it was released. No byte is written for it any more.</summary>
    public void Tell(string? reason)
    {
        StopReading();
        lock (_delivery)
        {
            if (!_isReleased)
            {
                Volatile.Read(ref _receiver)?.Ended(Call.Sender, reason);
            }
        }
    }

    /// <summary>The receiving thread is out of the payload for good.</summary>
    public void StopReading()
    {
        lock (_gate)
        {
            _isReading = false;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Returns when no thread writes, nor will write, into memory that the receiver reserved.</summary>
    /// <param name="interrupt">Gets the receiving thread out of a payload.</param>
    /// <returns>True: it was between payloads, so that the connection is in order.</returns>
    public bool Release(Action interrupt)
    {
        lock (_gate)
        {
            _isReleased = true;
            if (!_isReading)
            {
                return true;
            }

            interrupt();
            while (_isReading)
            {
                Monitor.Wait(_gate);
            }

            return false;
        }
    }

    public void Dispose() => _ended.Dispose();

    PayloadPlace ISegmentSink.Begin(in BulkHeader header)
    {
        var place = _receiver!.Reserve(header);
        lock (_gate)
        {
            if (_isReleased)
            {
                throw new BulkRejectedException(BulkStatus.Aborted, "The receiver of this stream has ended.");
            }

            _isReading = true;
        }

        return place;
    }

    void ISegmentSink.End(in BulkHeader header)
    {
        lock (_gate)
        {
            _isReading = false;
            if (_isReleased)
            {
                Monitor.PulseAll(_gate);
                return;
            }
        }

        _receiver!.Received(header);
    }
}
