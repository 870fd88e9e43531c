namespace Orchestrator.Bulk.Wires;

/// <summary>The bytes of one connection, in blocking calls: one thread receives, one at a time sends, any may shut it down.</summary>
/// <remarks>
/// Dedicated threads in blocking calls cost a fraction of what asynchronous sockets cost for each byte on Linux, and there are as many
/// connections as peers, not thousands.
/// </remarks>
internal abstract unsafe class Wire : IDisposable
{
    // A call that takes this long did not just fill the kernel's buffer.
    private const int WaitedMilliseconds = 5;

    private long _lastReceived = Environment.TickCount64;
    private long _lastDrained = Environment.TickCount64;

    /// <summary>Called on the receiving thread whenever nothing came for a tick. May shut the wire down.</summary>
    public Action? Quiet { get; set; }

    /// <summary>How long one send may go without the peer taking a byte.</summary>
    public TimeSpan SendPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>When bytes last came, by <see cref="Environment.TickCount64"/>.</summary>
    public long LastReceived => Volatile.Read(ref _lastReceived);

    /// <summary>When a send that had to wait went on: the peer has read something. A send that only fills the kernel's buffer proves nothing.</summary>
    public long LastDrained => Volatile.Read(ref _lastDrained);

    /// <summary>Whom it leads to, for messages.</summary>
    public abstract string Peer { get; }

    /// <summary>The process at the other end, when it is on this host and the kernel says so.</summary>
    public virtual int? PeerProcess => null;

    /// <summary>How often the kernel has sent the oldest bytes again that the peer's kernel has not acknowledged; 0: none, or this wire cannot tell. On the receiving thread.</summary>
    public virtual int Retransmissions => 0;

    /// <summary>The kernel puts each send into buffers of its own, as it does for Unix sockets; else one stream's sends share them.</summary>
    public virtual bool BuffersEachSend => false;

    /// <summary>The most that is given to the kernel in one call.</summary>
    /// <remarks>
    /// Over TCP on one host, the receiver is woken after a call and reads what is still in the cache of the core that wrote it: a second-level
    /// cache holds 256 KiB twice, and calls of 1 MiB cost up to twice the CPU time. A Unix socket wakes it for every buffer; there larger calls cost less.
    /// </remarks>
    public int BytesAtATime => BuffersEachSend ? 1024 * 1024 : 256 * 1024;

    /// <summary>Waits for bytes and takes what there is: the first place is filled before the second.</summary>
    /// <returns>Bytes received; 0: the peer has ended the connection, or it was shut down here.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public int Receive(byte* first, int firstBytes, byte* second = null, int secondBytes = 0)
    {
        int received;
        while ((received = ReceiveSome(first, firstBytes, second, secondBytes)) < 0)
        {
            Quiet?.Invoke();
        }

        Volatile.Write(ref _lastReceived, Environment.TickCount64);
        return received;
    }

    /// <summary>Sends all slices; spends them.</summary>
    /// <exception cref="IOException">The connection broke, or the peer took nothing for too long.</exception>
    public void SendAll(IoSlice* slices, int count)
    {
        var lastSent = Environment.TickCount64;
        while (count > 0)
        {
            var began = Environment.TickCount64;
            var (some, kept) = CutAt(slices, count, BytesAtATime);
            var sent = SendSome(slices, some);
            slices[some - 1].Bytes += kept;
            var whole = IoSlice.Advance(slices, count, sent);
            slices += whole;
            count -= whole;
            var now = Environment.TickCount64;
            if (sent > 0)
            {
                lastSent = now;
                if (now - began >= WaitedMilliseconds)
                {
                    Volatile.Write(ref _lastDrained, now);
                }
            }
            else if (now - lastSent > SendPatience.TotalMilliseconds)
            {
                throw new IOException($"it took no byte for {SendPatience.TotalSeconds:0.#} s");
            }
        }
    }

    /// <summary>Sends what the kernel takes at once, without waiting.</summary>
    /// <returns>Bytes sent; 0: none, or this wire cannot tell.</returns>
    /// <remarks>A wire that is broken takes nothing either: who waits on it hears why.</remarks>
    public virtual long TrySend(IoSlice* slices, int count) => 0;

    public void SendAll(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* address = bytes)
        {
            var slice = new IoSlice(address, (nuint)bytes.Length);
            SendAll(&slice, 1);
        }
    }

    /// <summary>Ends both directions at once: calls in progress return. From any thread, any number of times.</summary>
    public abstract void Shutdown();

    /// <summary>Ends our direction: the peer sees an end of the stream after what was sent.</summary>
    public abstract void FinishSending();

    /// <summary>Closes it. Only when no thread is within a call.</summary>
    public abstract void Dispose();

    /// <summary>Shortens slices to at most so many bytes.</summary>
    /// <returns>How many slices, at least one, and what was cut off the last.</returns>
    private static (int Count, nuint Kept) CutAt(IoSlice* slices, int count, int bytes)
    {
        var left = (nuint)bytes;
        for (var index = 0; index < count; index++)
        {
            if (slices[index].Bytes >= left)
            {
                var kept = slices[index].Bytes - left;
                slices[index].Bytes = left;
                return (index + 1, kept);
            }

            left -= slices[index].Bytes;
        }

        return (count, 0);
    }

    /// <returns>Bytes received; 0: ended; -1: nothing came for a tick.</returns>
    protected abstract int ReceiveSome(byte* first, int firstBytes, byte* second, int secondBytes);

    /// <returns>Bytes sent; 0: the peer took nothing for a tick.</returns>
    protected abstract long SendSome(IoSlice* slices, int count);
}
