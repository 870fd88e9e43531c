using System.Net;
using Orchestrator.Bulk.Calls;
using Orchestrator.Bulk.Connections;
using Orchestrator.Bulk.Hpack;
using Orchestrator.Bulk.Http2;
using Orchestrator.Bulk.Links;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk;

/// <summary>One Push stream to a peer, over a connection of its own: queues messages without copying them and sends them in order.</summary>
/// <remarks>Two threads: one sends, one hears the peer, so that its death is seen while there is nothing to send. Methods may be called from any thread.</remarks>
public sealed class BulkLink : IDisposable
{
    private readonly Wire _wire;
    private readonly IBulkLinkEvents _events;
    private readonly LinkSender _sender;
    private readonly LinkReceiver _receiver;
    private readonly Thread _sending;
    private readonly Thread _receiving;
    private readonly TaskCompletionSource<long> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _sendFailure;
    private string? _lostReason;
    private int _isOver;
    private int _threads = 2;

    private readonly int? _processor;

    private BulkLink(Wire wire, EndPoint address, in BulkCall call, IBulkLinkEvents events, BulkLinkOptions options)
    {
        (_wire, _events, Address, SharesMemory, _processor) = (wire, events, address, call.Memory is not null, options.Processor);
        _sender = new LinkSender(wire, events, options.Limits, options.TellsSent);
        _receiver = new LinkReceiver(wire, options, _sender) { Answered = OnAnswered };
        _sender.Control(Opening(call, address, options));
        _sending = new Thread(Send, ThreadSizes.StackBytes) { IsBackground = true, Name = $"bulk to {wire.Peer}" };
        _receiving = new Thread(Receive, ThreadSizes.StackBytes) { IsBackground = true, Name = $"bulk answers of {wire.Peer}" };
        _sending.Start();
        _receiving.Start();
    }

    public EndPoint Address { get; }

    /// <summary>The peer was told how to find our memory: <see cref="BulkHeader.Reference"/> may be used.</summary>
    public bool SharesMemory { get; }

    /// <summary>Why the link was lost. Null: it was not.</summary>
    public string? LostReason => Volatile.Read(ref _lostReason);

    /// <summary>Connects and opens the stream. Blocks until the connection stands; messages leave once the peer has a receiver for them.</summary>
    /// <param name="address">An IP or DNS endpoint, or a Unix socket's; see <see cref="BulkAddress"/>.</param>
    /// <param name="call">What the peer's resolver is told.</param>
    /// <param name="events">Called from the link's threads.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="BulkLinkException">Nobody listens there, or not in time.</exception>
    public static BulkLink Connect(EndPoint address, in BulkCall call, IBulkLinkEvents events, BulkLinkOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new BulkLinkOptions();
        var wire = LinkConnect.Connect(address, options, cancellation);
        var memory = wire.PeerProcess is { } process ? options.ShareMemory?.Invoke(process) : null;
        return new BulkLink(wire, address, call with { Memory = memory ?? call.Memory }, events, options);
    }

    /// <summary>Queues a message; never blocks. After the link is lost it does nothing: <see cref="IBulkLinkEvents.Lost"/> has said so.</summary>
    /// <param name="header">Its <see cref="BulkHeader.PayloadBytes"/> says how much of the payload is sent.</param>
    /// <param name="payload">Native or pinned memory, which stays valid and unchanged until <see cref="IBulkLinkEvents.Sent"/>, a
    /// <see cref="Flush"/> after it, or the return of <see cref="Dispose"/>.</param>
    /// <param name="state">Given back with <see cref="IBulkLinkEvents.Sent"/>.</param>
    /// <exception cref="BulkLinkException">More messages wait than <see cref="BulkLimits.MaxQueuedMessages"/>.</exception>
    public void Send(in BulkHeader header, nint payload, object? state = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(header.PayloadBytes);
        if (header.PayloadBytes > 0)
        {
            ArgumentOutOfRangeException.ThrowIfZero(payload);
        }

        _sender.TryEnqueue(new Outgoing { Header = header, Payload = payload, State = state });
    }

    /// <summary>Waits until what was queued before has been sent: its payloads are free then.</summary>
    /// <exception cref="BulkLinkException">The link was lost.</exception>
    public void Flush(CancellationToken cancellation = default)
    {
        if (!_sender.Flush(cancellation))
        {
            throw new BulkLinkException(LostReason ?? $"The link to {Address} was closed before everything was sent.");
        }
    }

    /// <summary>Ends the stream in order after what is queued, and waits for the peer's answer.</summary>
    /// <returns>The messages that the peer has taken in.</returns>
    /// <exception cref="BulkLinkException">The link was lost first.</exception>
    public Task<long> Complete()
    {
        _sender.End();
        return _completion.Task;
    }

    /// <summary>Cuts the link unless it has ended, and returns when no payload is read any more. The peer sees it at once.</summary>
    public void Dispose()
    {
        Interlocked.Exchange(ref _isOver, 1);
        _sender.Stop();
        _wire.Shutdown();
        foreach (var thread in (ReadOnlySpan<Thread>)[_sending, _receiving])
        {
            if (thread != Thread.CurrentThread)
            {
                thread.Join();
            }
        }

        _completion.TrySetException(new BulkLinkException($"The link to {Address} was closed here before the peer's answer."));
        _ = _completion.Task.Exception;
    }

    private static ReadOnlySpan<byte> Opening(in BulkCall call, EndPoint address, BulkLinkOptions options)
    {
        var block = HpackEncoder.Encode(RequestHead.Write(call, Authority(address), options.Tls is not null));
        var preface = ControlFrames.Preface;
        var bytes = new byte[preface.Length + ControlFrames.MostSettingsBytes + ControlFrames.WindowUpdateBytes + FrameHeader.Bytes + block.Length];
        preface.CopyTo(bytes);
        var at = preface.Length;
        at += ControlFrames.WriteSettings(bytes.AsSpan(at), FrameLoop.OwnSettings(options, isServer: false));
        at += ControlFrames.WriteWindowUpdate(bytes.AsSpan(at), 0, Window.LargestBytes - Window.DefaultBytes);
        new FrameHeader(block.Length, FrameType.Headers, FrameFlags.EndHeaders, LinkSender.StreamId).Write(bytes.AsSpan(at));
        at += FrameHeader.Bytes;
        block.CopyTo(bytes.AsSpan(at));
        return bytes.AsSpan(0, at + block.Length);
    }

    private static string Authority(EndPoint address) => address switch
    {
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        IPEndPoint ip => ip.ToString(),
        _ => "localhost",
    };

    private void Send()
    {
        Processor.Stay(_processor);
        try
        {
            _sender.Run();
        }
        catch (IOException error)
        {
            // The peer's own words may still lie unread in the socket; the receiving thread reports.
            _sendFailure = error.Message;
            _wire.Shutdown();
        }
        finally
        {
            ThreadEnded();
        }
    }

    private void Receive()
    {
        string? broken = null;
        try
        {
            _receiver.Run();
        }
        catch (Http2Exception error)
        {
            broken = error.Message.TrimEnd('.');
        }
        catch (IOException error)
        {
            broken = error.Message;
        }

        _sender.Stop();
        _wire.Shutdown();
        if (_receiver.Summary is null)
        {
            Lose(_receiver.PeerReason ?? _receiver.ShutdownReason ?? broken ?? _sendFailure ?? "it closed the connection");
        }

        ThreadEnded();
    }

    private void OnAnswered()
    {
        if (_receiver.Summary is { } segments && _sender.IsEnded)
        {
            Interlocked.Exchange(ref _isOver, 1);
            _completion.TrySetResult(segments);
        }
        else
        {
            Lose(_receiver.PeerReason ?? "it ended the call before we did");
        }

        _sender.Stop();
        _wire.Shutdown();
    }

    private void Lose(string why)
    {
        if (Interlocked.Exchange(ref _isOver, 1) == 0)
        {
            var reason = $"The link to {Address} was lost after {_sender.Messages} messages: {why}.";
            Volatile.Write(ref _lostReason, reason);
            _completion.TrySetException(new BulkLinkException(reason));
            _ = _completion.Task.Exception;
            _events.Lost(reason);
        }
    }

    private void ThreadEnded()
    {
        if (Interlocked.Decrement(ref _threads) == 0)
        {
            _wire.Dispose();
            _sender.Dispose();
            _receiver.Dispose();
        }
    }
}
