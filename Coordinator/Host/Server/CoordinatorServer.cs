using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Api;
using Orchestrator.Security.Tls;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>One coordinator in this process: its actor, the gRPC port and the HTTP port.</summary>
public sealed class CoordinatorServer : IAsyncDisposable
{
    /// <summary>A worker whose host is gone, or which is frozen, is noticed within the sum of these two.</summary>
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(20);

    private readonly WebApplication _app;

    private CoordinatorServer(WebApplication app, CoordinatorActor actor, Endpoint grpc, Endpoint http) =>
        (_app, Actor, Grpc, Http) = (app, actor, grpc, http);

    public CoordinatorActor Actor { get; }

    /// <summary>Where it listens for workers and commands, with the real port.</summary>
    public Endpoint Grpc { get; }

    /// <summary>Where it serves the JSON API, /metrics, /targets and /healthz, with the real port.</summary>
    public Endpoint Http { get; }

    /// <summary>All that it serves, on both ports: every one has a rule in <see cref="RouteRules"/>.</summary>
    internal IEnumerable<Microsoft.AspNetCore.Http.Endpoint> Routes => ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints);

    /// <summary>Where the front's requests go; null: it listens itself.</summary>
    internal FrontedServer? Fronted { get; private init; }

    /// <exception cref="PortInUseException">Another program listens there.</exception>
    /// <exception cref="FormatException">An address cannot be resolved.</exception>
    public static async Task<CoordinatorServer> StartAsync(CoordinatorOptions options, Action<ILoggingBuilder> logging, TimeProvider? time = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        var fronted = options.Front is null ? null : new FrontedServer();
        if (fronted is null)
        {
            builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options));
        }
        else
        {
            builder.Services.AddSingleton<IServer>(fronted);
            builder.Services.AddSingleton(options.Tenure!.Counts);
        }

        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        builder.Services.AddPrometheusMetrics();
        builder.Services.AddSingleton<CoordinatorMetrics>();
        builder.Services.AddSingleton(services => new CoordinatorActor(
            options, services.GetRequiredService<CoordinatorMetrics>(), services.GetRequiredService<ILoggerFactory>().CreateLogger("coordinator"),
            services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<WorkerControlService>();
        builder.Services.AddSingleton<RunsService>();
        builder.Services.AddSingleton<ApiHandlers>();
        builder.Services.AddGrpc();
        var app = builder.Build();
        AccessGate.Guard(
            app, options, app.Services.GetRequiredService<TimeProvider>(), hash => app.Services.GetRequiredService<CoordinatorActor>().State.GrantOf(hash));
        app.MapGrpcService<WorkerControlService>();
        app.MapGrpcService<RunsService>();
        app.MapApi();
        app.MapMetrics();
        var actor = app.Services.GetRequiredService<CoordinatorActor>();
        app.MapGet("/healthz", () => actor.Completion.IsCompleted ? Results.Text("stopped\n", statusCode: 503) : Results.Text("ok\n"));
        app.MapPrometheusTargets(() => Targets(actor));
        if (fronted is not null)
        {
            await app.StartAsync().ConfigureAwait(false);
            return new CoordinatorServer(app, actor, options.Listen, options.Http) { Fronted = fronted };
        }

        var ports = await Front.StartAsync(app).ConfigureAwait(false);
        return new CoordinatorServer(app, actor, options.Listen with { Port = ports[0] }, options.Http with { Port = ports[1] });
    }

    public async ValueTask DisposeAsync()
    {
        // The actor first: it closes the workers' streams, and the server need not wait for them.
        await Actor.DisposeAsync().ConfigureAwait(false);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(patience.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    internal static void Listen(KestrelServerOptions kestrel, CoordinatorOptions options)
    {
        kestrel.Limits.Http2.KeepAlivePingDelay = PingDelay;
        kestrel.Limits.Http2.KeepAlivePingTimeout = PingTimeout;

        // A worker's stream carries messages at its own pace, and none while it loads data.
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxRequestBodySize = null;
        Listen(kestrel, options.Listen.Resolve(), HttpProtocols.Http2, options.Tls);
        Listen(kestrel, options.Http.Resolve(), options.Tls is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2, options.Tls);
    }

    private static void Listen(KestrelServerOptions kestrel, IPEndPoint endpoint, HttpProtocols protocols, TlsSource? tls) => kestrel.Listen(endpoint, listen =>
    {
        listen.Protocols = protocols;
        if (tls is not null)
        {
            // Asked at each connection: the files may have changed.
            listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.Current.Server()) });
        }
    });

    /// <summary>Every worker that serves metrics. Whoever asks knows the coordinator: listed too, its series would be there twice.</summary>
    private static IEnumerable<PrometheusTarget> Targets(CoordinatorActor actor)
    {
        var cluster = actor.State;
        foreach (var candidate in cluster.Workers.Values.Where(candidate => candidate.Hello.MetricsAddress.Length > 0))
        {
            yield return PrometheusTarget.Worker(candidate.Hello.MetricsAddress, candidate.Worker.Value, cluster.RunOf(candidate.Worker)?.Id.Value);
        }
    }
}

/// <summary>A port that the coordinator was to listen on is taken.</summary>
public sealed class PortInUseException(string message, Exception inner) : Exception(message, inner);
