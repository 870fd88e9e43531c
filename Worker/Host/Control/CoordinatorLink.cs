using System.Collections.Immutable;
using System.Threading.Channels;
using Grpc.Core;
using Orchestrator.Protocol.Mapping;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;
using Orchestrator.Worker.Core.Lifecycle;
using CallNames = Orchestrator.Core.Messages.CallNames;
using MemberIdentity = Orchestrator.Core.Messages.MemberIdentity;
using WorkerMessage = Orchestrator.Core.Messages.WorkerMessage;
using WorkMark = Orchestrator.Core.Messages.WorkMark;

namespace Orchestrator.Worker.Host.Control;

/// <summary>The stream to the coordinator that owns the runs: looks for it by <see cref="CoordinatorSearch"/>, turns what comes into events and writes what is to be told.</summary>
internal sealed class CoordinatorLink : IAsyncDisposable
{
    private readonly WorkerMessage.Hello _hello;
    private readonly Action<WorkerEvent> _post;
    private readonly Action<string> _note;
    private readonly TimeSpan _patience;
    private readonly Func<string, string?> _token;
    private readonly TlsFiles? _tls;
    private readonly CancellationTokenSource _stop = new();
    // Bounded by what a worker says in one step; the coordinator reads all the time.
    private Channel<WorkerMessage> _outbox = Channel.CreateUnbounded<WorkerMessage>();
    private Task _session = Task.CompletedTask;
    private CancellationTokenSource _call = new();
    private bool _isOpen;
    // Changed by one session at a time, or between two.
    private CoordinatorSearch _search;
    private bool _isLeft;

    /// <param name="addresses">host:port of every coordinator.</param>
    /// <param name="hello">The introduction.</param>
    /// <param name="post">Where events go; must not block.</param>
    /// <param name="note">Where attempts are told.</param>
    /// <param name="token">What is shown at an address; asked at each attempt: a file may come, or be changed, later.</param>
    /// <param name="tls">For an address that begins with https://; null: what the environment names.</param>
    /// <param name="patience">How long it tries to open a stream before it reports the coordinator as lost.</param>
    public CoordinatorLink(
        ImmutableArray<string> addresses, WorkerMessage.Hello hello, Action<WorkerEvent> post, Action<string> note, Func<string, string?> token, TlsFiles? tls, TimeSpan patience) =>
        (_search, _hello, _post, _note, _token, _tls, _patience) = (CoordinatorSearch.Start(addresses), hello, post, note, token, tls, patience);

    /// <summary>Begins a new session; the former one is over.</summary>
    /// <param name="member">Told in Hello; null: it serves no run.</param>
    public void Attach(MemberIdentity? member = null)
    {
        _outbox = Channel.CreateUnbounded<WorkerMessage>(new UnboundedChannelOptions { SingleReader = true });
        var outbox = _outbox;
        _session = Task.Run(() => Session(outbox, member));
    }

    /// <summary>Closes the stream that is open, to look for another coordinator; its end is reported as the coordinator's loss.</summary>
    public void HangUp()
    {
        Volatile.Write(ref _isLeft, true);
        Volatile.Read(ref _call).Cancel();
    }

    /// <summary>Queues a message; never blocks.</summary>
    public void Send(WorkerMessage message) => _outbox.Writer.TryWrite(message);

    /// <summary>Says that this process lives and what its training thread does, while the stream is open.</summary>
    public void Beat(WorkMark work)
    {
        if (Volatile.Read(ref _isOpen))
        {
            Send(new WorkerMessage.Heartbeat(work));
        }
    }

    /// <summary>Writes what is queued, ends the stream in order and waits for it, for a moment at most.</summary>
    public async ValueTask DisposeAsync()
    {
        _outbox.Writer.TryComplete();
        await Task.WhenAny(_session, Task.Delay(TimeSpan.FromSeconds(2)));
        await _stop.CancelAsync();
        _stop.Dispose();
    }

    private async Task Session(Channel<WorkerMessage> outbox, MemberIdentity? member)
    {
        try
        {
            var deadline = DateTimeOffset.UtcNow + _patience;
            while (true)
            {
                var address = _search.Address;
                var attempt = await Talk(address, outbox, member);
                Volatile.Write(ref _isOpen, false);
                if (attempt.WasOpen || _stop.IsCancellationRequested || outbox.Reader.Completion.IsCompleted)
                {
                    _search = _search.Again(Interlocked.Exchange(ref _isLeft, false));
                    _post(new WorkerEvent.CoordinatorLost($"The stream to the coordinator at {address} ended: {attempt.Reason}"));
                    return;
                }

                (_search, var wait) = _search.Refused(attempt.Owner, member is not null);
                if (DateTimeOffset.UtcNow + wait > deadline)
                {
                    _post(new WorkerEvent.CoordinatorLost(
                        $"No coordinator at {string.Join(", ", _search.Addresses)} takes this worker since {_patience.TotalSeconds:0} s ({attempt.Reason}). Start one with ./orchestrator coordinator, or correct --coordinator."));
                    return;
                }

                if (member is null && wait > TimeSpan.Zero)
                {
                    _note($"No coordinator at {string.Join(", ", _search.Addresses)} takes this worker yet ({attempt.Reason}); trying again in {wait.TotalSeconds:0.0} s.");
                }

                await Task.Delay(wait, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
    }

    /// <returns>Whether it was welcomed, how it ended, and whom it was sent to.</returns>
    private async Task<(bool WasOpen, string Reason, string? Owner)> Talk(string address, Channel<WorkerMessage> outbox, MemberIdentity? member)
    {
        var wasOpen = false;
        // Not disposed of: HangUp may come at any time.
        var ended = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        if (_search.Patience is { } patience)
        {
            ended.CancelAfter(patience);
        }

        Volatile.Write(ref _call, ended);
        try
        {
            using var channel = CoordinatorChannel.Open(address, _tls);
            using var call = new WorkerControl.WorkerControlClient(channel).Attach(Headers(address), cancellationToken: ended.Token);
            await call.RequestStream.WriteAsync((_hello with { Member = member }).ToWire());
            var writer = Task.CompletedTask;
            var orders = new OrderReader();
            await foreach (var wire in call.ResponseStream.ReadAllAsync(ended.Token))
            {
                if (!wasOpen)
                {
                    wasOpen = true;
                    ended.CancelAfter(Timeout.InfiniteTimeSpan);
                    Volatile.Write(ref _isOpen, true);
                    writer = Task.Run(() => Write(call.RequestStream, outbox.Reader));
                }

                if (orders.ToDomain(wire) is { } message)
                {
                    _post(new WorkerEvent.CoordinatorSaid(message));
                }
            }

            return (wasOpen, "it was closed by the coordinator.", null);
        }
        catch (TokenFileException error)
        {
            return (wasOpen, error.Message, null);
        }
        catch (RpcException error)
        {
            return (wasOpen, error.Status.Detail.Length > 0 ? error.Status.Detail : error.Message, error.Trailers.GetValue(CallNames.Owner));
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or InvalidOperationException)
        {
            return (wasOpen, error.Message, null);
        }
    }

    /// <exception cref="TokenFileException">The file of tokens cannot be used.</exception>
    private Metadata Headers(string address) => _token(address) is { } token ? new Metadata { { BearerHeader.Name, BearerHeader.Of(token) } } : [];

    private async Task Write(IClientStreamWriter<Protocol.V1.WorkerMessage> stream, ChannelReader<WorkerMessage> outbox)
    {
        try
        {
            await foreach (var message in outbox.ReadAllAsync(_stop.Token))
            {
                await stream.WriteAsync(message.ToWire());
            }

            await stream.CompleteAsync();
        }
        catch (Exception error) when (error is RpcException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // The reading side sees the same break and reports it.
        }
    }
}
