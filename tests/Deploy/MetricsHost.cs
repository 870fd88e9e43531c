using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Deploy.Tests;

/// <summary>A process as Prometheus sees it: its own meters behind its own /metrics on loopback. Something happens before each scrape.</summary>
internal sealed class MetricsHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource _isScrapedEnough = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _scrapes;

    private MetricsHost(WebApplication app) => _app = app;

    /// <summary>host:port</summary>
    public string Address => new Uri(_app.Urls.Single()).Authority;

    public int Scrapes => Volatile.Read(ref _scrapes);

    /// <summary>Done when the page was asked for often enough that rates can be computed.</summary>
    public Task IsScrapedEnough => _isScrapedEnough.Task;

    /// <param name="start">Gets the host's meters, and returns what happens before scrape number n (from 1).</param>
    public static async Task<MetricsHost> StartAsync(int enoughScrapes, Func<IMeterFactory, Action<int>> start, Func<IEnumerable<PrometheusTarget>>? targets = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddPrometheusMetrics();
        var app = builder.Build();
        var host = new MetricsHost(app);
        app.Use(async (context, next) =>
        {
            if (context.Request.Path == "/metrics")
            {
                host.OnScrape?.Invoke(Interlocked.Increment(ref host._scrapes));
                if (host.Scrapes >= enoughScrapes)
                {
                    host._isScrapedEnough.TrySetResult();
                }
            }
            await next(context);
        });
        app.MapMetrics();
        if (targets is not null)
        {
            app.MapPrometheusTargets(targets);
        }
        host.OnScrape = start(app.Services.GetRequiredService<IMeterFactory>());
        await app.StartAsync();
        return host;
    }

    private Action<int>? OnScrape { get; set; }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
