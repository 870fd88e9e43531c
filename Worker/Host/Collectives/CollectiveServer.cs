using System.Collections.Concurrent;
using System.Net;
using Orchestrator.Bulk;
using Orchestrator.Core.Identities;
using Orchestrator.Security.Tls;
using Orchestrator.Worker.Host.Collectives.SharedMemory;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Where peers push their segments to: one server for the life of the worker, one receiver for each generation.</summary>
internal sealed class CollectiveServer : IDisposable
{
    private readonly ConcurrentDictionary<(string Run, long Generation), TaskCompletionSource<IBulkReceiver>> _receivers = new();
    private readonly BulkServer _server;
    private readonly BulkServer? _unix;

    /// <param name="listen">Port 0: any free one.</param>
    /// <param name="log">Gets a sentence for each connection that did not end in order.</param>
    /// <param name="security">For TCP, in both directions, asked at each connection; null: plain. The caller disposes of it last.</param>
    /// <exception cref="IOException">The address cannot be listened on.</exception>
    public CollectiveServer(IPEndPoint listen, Action<string> log, Func<PeerSecurity>? security = null)
    {
        Security = security;
        _server = new BulkServer(new BulkServerOptions { Tcp = listen, Tls = security is null ? null : () => security().Server() }, Resolve, log);
        // Peers on this host prefer a Unix socket, which they find by the TCP address that they know.
        UnixPath = LocalSocket.PathOf(_server.TcpEndPoint!);
        try
        {
            LocalSocket.PrepareFolder();
            _unix = new BulkServer(new BulkServerOptions { UnixPath = UnixPath }, Resolve, log);
        }
        catch (IOException error)
        {
            log($"Peers on this host will use TCP: {error.Message}");
        }
    }

    public IPEndPoint TcpEndPoint => _server.TcpEndPoint!;

    public string UnixPath { get; }

    /// <summary>What links of this worker to its peers use on TCP; null: they are plain.</summary>
    public Func<PeerSecurity>? Security { get; }

    /// <summary>From now on the generation's segments go to the exchange, also those of peers that were activated first and wait.</summary>
    public IBulkReceiver Open(RunId run, Generation generation, GradientExchange exchange)
    {
        var receiver = new ExchangeReceiver(exchange);
        Open(run, generation, receiver);
        return receiver;
    }

    /// <summary>From now on the messages of streams of that name and number go to the receiver.</summary>
    public void Open(RunId run, Generation generation, IBulkReceiver receiver) => Entry(run.Value, generation.Number).TrySetResult(receiver);

    /// <summary>Returns when nothing reads or writes the generation's memory any more, on any of the transports' threads.</summary>
    public void Close(RunId run, Generation generation, IBulkReceiver receiver, string reason)
    {
        if (_receivers.TryRemove((run.Value, generation.Number), out var entry))
        {
            entry.TrySetCanceled();
        }

        _server.Release(receiver, reason);
        _unix?.Release(receiver, reason);
        (receiver as IMemoryReceiver)?.Close();
    }

    public void Dispose()
    {
        _server.Dispose();
        _unix?.Dispose();
    }

    private async ValueTask<IBulkReceiver> Resolve(BulkCall call, CancellationToken cancellation)
    {
        // A peer's memory is mapped while the generation is still to come: its first step does not wait for that.
        using var ahead = call.Memory is { } words ? PeerMemory.TryOpen(SharedWords.Read(words).Directory) : null;
        try
        {
            var receiver = await Entry(call.Run, call.Generation).Task.WaitAsync(cancellation);
            (receiver as IMemoryReceiver)?.Meet(call);
            return receiver;
        }
        catch (OperationCanceledException)
        {
            throw new BulkRejectedException(BulkStatus.Aborted, $"Generation {call.Generation} of run {call.Run} is not in force on this worker.");
        }
    }

    private TaskCompletionSource<IBulkReceiver> Entry(string run, long generation) =>
        _receivers.GetOrAdd((run, generation), _ => new TaskCompletionSource<IBulkReceiver>(TaskCreationOptions.RunContinuationsAsynchronously));
}
