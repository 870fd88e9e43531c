using System.Collections.Concurrent;
using Orchestrator.Core.Identities;

namespace Orchestrator.Worker.Host.Collectives;

/// <summary>Finds the exchange that a peer's stream belongs to, and waits for it when the peer was activated first.</summary>
internal sealed class CollectiveRegistry
{
    private readonly ConcurrentDictionary<(RunId Run, Generation Generation), TaskCompletionSource<GradientExchange>> _exchanges = new();

    public void Open(RunId run, Generation generation, GradientExchange exchange) => Entry(run, generation).TrySetResult(exchange);

    public void Close(RunId run, Generation generation)
    {
        if (_exchanges.TryRemove((run, generation), out var entry))
        {
            entry.TrySetCanceled();
        }
    }

    public Task<GradientExchange> Find(RunId run, Generation generation, CancellationToken cancellation) =>
        Entry(run, generation).Task.WaitAsync(cancellation);

    private TaskCompletionSource<GradientExchange> Entry(RunId run, Generation generation) =>
        _exchanges.GetOrAdd((run, generation), _ => new TaskCompletionSource<GradientExchange>(TaskCreationOptions.RunContinuationsAsynchronously));
}
