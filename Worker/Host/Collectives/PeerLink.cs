using Orchestrator.Bulk;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>One stream to a peer that is usable at once: what is sent before the connection stands waits for it, in order.</summary>
internal sealed class PeerLink : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Action<string> _lost;
    private readonly Action<BulkHeader>? _sent;
    private readonly SegmentDirectory? _directory;
    private readonly Func<PeerSecurity>? _security;
    private readonly string? _answerTo;
    private List<(BulkHeader Header, nint Payload, PackedPayload? Packed)>? _waiting = [];
    private BulkLink? _link;
    private bool _isDisposed;

    /// <param name="address">host:port of the peer's Collective service.</param>
    /// <param name="transport">auto or shm (unix on one host, else tcp), tcp or unix.</param>
    /// <param name="call">What the peer is told.</param>
    /// <param name="lost">Told once why the peer cannot be reached or was lost; not after Dispose.</param>
    /// <param name="sent">Told of each message whose payload is free again; null: nobody wants to know.</param>
    /// <param name="directory">Payloads that it finds for a peer on this host stay where they are; null: all travel.</param>
    /// <param name="security">For TCP; null: plain.</param>
    /// <param name="answerTo">host:port to which a peer that reads the memory says what it has taken in; null: it need not.</param>
    public PeerLink(
        string address, string transport, BulkCall call, Action<string> lost, Action<BulkHeader>? sent = null, SegmentDirectory? directory = null, Func<PeerSecurity>? security = null,
        string? answerTo = null)
    {
        (_lost, _sent, _directory, _security, _answerTo) = (lost, sent, directory, security, answerTo);
        Connected = Task.Factory.StartNew(() => Connect(address, transport, call), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Ends when the connection stands or was given up; never fails.</summary>
    public Task Connected { get; }

    /// <summary>The peer reads payloads in this process's memory.</summary>
    public bool SharesMemory => Volatile.Read(ref _link)?.SharesMemory == true;

    /// <summary>Queues a message; never blocks. The payload stays where it is until it was sent, the link was lost or Dispose has returned.</summary>
    /// <param name="header">Of the payload in fp32.</param>
    /// <param name="payload">Its first byte; zero when there is none.</param>
    /// <param name="packed">The same elements in the form in which they are sent, if they are; null: as they are.</param>
    public void Send(BulkHeader header, nint payload, PackedPayload? packed = null)
    {
        lock (_gate)
        {
            if (_waiting is not null)
            {
                _waiting.Add((header, payload, packed));
                return;
            }
        }

        if (_link is { } link)
        {
            Send(link, header, payload, packed);
        }
    }

    /// <summary>Ends the stream in order behind what was sent. A peer that has all it needs may close its side first.</summary>
    public async Task CompleteAsync()
    {
        await Connected;
        try
        {
            await (_link?.Complete() ?? Task.FromResult(0L));
        }
        catch (BulkLinkException)
        {
            // It was reported, or it does not matter any more.
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            (_isDisposed, _waiting) = (true, null);
        }

        await _stop.CancelAsync();
        await Connected;
        _link?.Dispose();
        _stop.Dispose();
    }

    private void Connect(string address, string transport, BulkCall call)
    {
        try
        {
            var options = new BulkLinkOptions
            {
                TellsSent = _sent is not null,
                ShareMemory = process => _directory is { } directory && SharingRule.Allows(process) ? SharedWords.Write(directory.Words, _answerTo) : null,
                Tls = _security?.Invoke().Client(address[..address.LastIndexOf(':')].Trim('[', ']')),
            };
            var link = BulkLink.Connect(BulkAddress.Parse(Choose(address, transport)), call, new Events(this), options, _stop.Token);
            lock (_gate)
            {
                foreach (var (header, payload, packed) in _waiting ?? [])
                {
                    Send(link, header, payload, packed);
                }

                (_link, _waiting) = (link, null);
            }
        }
        catch (Exception error) when (error is BulkLinkException or IOException or FormatException or OperationCanceledException)
        {
            lock (_gate)
            {
                _waiting = null;
            }

            Lose($"it cannot be reached at {address} ({error.Message.TrimEnd('.')}).");
        }
    }

    private void Send(BulkLink link, BulkHeader header, nint payload, PackedPayload? packed)
    {
        if (link.SharesMemory && _directory!.Refer(payload, header.PayloadBytes) is { Bytes: > 0 } reference)
        {
            link.Send(header with { PayloadBytes = 0, Reference = reference }, 0);
        }
        else if (packed is not null)
        {
            link.Send(header.ToPacked(), packed.Take());
        }
        else
        {
            link.Send(header, payload);
        }
    }

    private void Lose(string reason)
    {
        if (!Volatile.Read(ref _isDisposed))
        {
            _lost(reason);
        }
    }

    private static string Choose(string address, string transport) => (transport, LocalSocket.Find(address)) switch
    {
        ("tcp", _) or ("auto", null) => address,
        (_, { } path) => $"unix:{path}",
        _ => throw new IOException($"allReduce.transport is {transport}, but {address} has no Unix socket on this host. Use auto or tcp."),
    };

    private sealed class Events(PeerLink owner) : IBulkLinkEvents
    {
        public void Sent(in BulkHeader header, object? state) => owner._sent?.Invoke(header);

        public void Lost(string reason) => owner.Lose($"its link broke ({reason.TrimEnd('.')}).");
    }
}
