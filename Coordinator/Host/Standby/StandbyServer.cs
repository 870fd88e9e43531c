using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Api;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Coordinator.Host.Standby;

/// <summary>What a coordinator answers while it does not own the runs. It lives as long as the process, and is shown between two ownerships.</summary>
internal sealed class StandbyServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StandbyServer(WebApplication app, FrontedServer server) => (_app, Server) = (app, server);

    public FrontedServer Server { get; }

    /// <inheritdoc cref="CoordinatorServer.Routes"/>
    internal IEnumerable<Microsoft.AspNetCore.Http.Endpoint> Routes => ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints);

    /// <param name="options">Who may call it, and where it listens.</param>
    /// <param name="sight">Who owns the runs.</param>
    /// <param name="counts">For the metrics.</param>
    /// <param name="logging">Where it logs.</param>
    public static async Task<StandbyServer> StartAsync(CoordinatorOptions options, OwnerSight sight, OwnershipCounts counts, Action<ILoggingBuilder> logging)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        var server = new FrontedServer();
        builder.Services.AddSingleton<IServer>(server);
        builder.Services.AddSingleton(sight);
        builder.Services.AddSingleton(counts);
        builder.Services.AddPrometheusMetrics();
        builder.Services.AddSingleton<CoordinatorMetrics>();
        builder.Services.AddSingleton<PassedRunsService>();
        builder.Services.AddSingleton<PassedApi>();
        builder.Services.AddSingleton<StandbyControlService>();
        builder.Services.AddGrpc();
        var app = builder.Build();
        AccessGate.Guard(app, options, TimeProvider.System);
        app.MapGrpcService<StandbyControlService>();
        app.MapGrpcService<PassedRunsService>();
        app.MapApi(app.Services.GetRequiredService<PassedApi>().PassAsync);
        app.MapMetrics();
        app.MapGet("/healthz", () => Results.Text("standby\n"));
        // The owner lists the workers; listed by every coordinator, each of their series would be there several times.
        app.MapPrometheusTargets(() => []);
        app.Services.GetRequiredService<CoordinatorMetrics>();
        await app.StartAsync().ConfigureAwait(false);
        return new StandbyServer(app, server);
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(patience.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }
}
