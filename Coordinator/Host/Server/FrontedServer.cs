using System.Collections.Concurrent;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>A server without ports of its own: its requests come from <see cref="Front"/>, and their responses go where they came from.</summary>
internal sealed class FrontedServer : IServer
{
    private readonly ConcurrentDictionary<long, IHttpRequestLifetimeFeature> _underWay = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<IFeatureCollection, Task>? _work;
    private long _last;
    private volatile bool _isEnding;

    public IFeatureCollection Features { get; } = new FeatureCollection();

    /// <param name="request">As the listening server has it.</param>
    /// <exception cref="InvalidOperationException">It has not started.</exception>
    public async Task ServeAsync(IFeatureCollection request)
    {
        var work = _work ?? throw new InvalidOperationException("A request came before what serves it had started.");
        var number = Interlocked.Increment(ref _last);
        _underWay[number] = request.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        try
        {
            // What is set on the request here is not set on the listening server's own: it keeps state of its own there.
            await work(new FeatureCollection(request)).ConfigureAwait(false);
        }
        finally
        {
            _underWay.TryRemove(number, out _);
            if (_isEnding && _underWay.IsEmpty)
            {
                _empty.TrySetResult();
            }
        }
    }

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        _work = async request =>
        {
            var context = application.CreateContext(request);
            Exception? problem = null;
            try
            {
                await application.ProcessRequestAsync(context).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                problem = e;
                throw;
            }
            finally
            {
                application.DisposeContext(context, problem);
            }
        };
        return Task.CompletedTask;
    }

    /// <summary>Waits for what is under way, and breaks off what is left when the patience ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _isEnding = true;
        if (_underWay.IsEmpty)
        {
            return;
        }

        await Task.WhenAny(_empty.Task, Task.Delay(Timeout.Infinite, cancellationToken)).ConfigureAwait(false);
        foreach (var request in _underWay.Values)
        {
            request.Abort();
        }
    }

    public void Dispose()
    {
    }
}
