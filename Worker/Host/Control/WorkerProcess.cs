using System.Net;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using Orchestrator.Core.Messages;
using Orchestrator.Security.Tls;
using Orchestrator.Telemetry.Prometheus;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Control;

/// <summary>Puts a worker together: the servers for peers and Prometheus, the link to the coordinator, the actor, the signals.</summary>
internal static class WorkerProcess
{
    private const int ExitUsage = 2;
    private const int ExitNotAllowed = 5;

    // A worker that `run` started has its coordinator already; one started by hand may wait for it.
    private static readonly TimeSpan LaunchedPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StandingPatience = TimeSpan.FromMinutes(10);

    public static async Task<int> RunAsync(WorkerOptions options)
    {
        if (options.AddressProblem() is { } problem)
        {
            await Console.Error.WriteLineAsync(problem);
            return ExitNotAllowed;
        }

        // What it listens on is closed and its log is written before the process starts afresh.
        return await ServeAsync(options) switch
        {
            WorkerEffect.Restart => StartAfresh(),
            WorkerEffect.Exit { IsHung: true } exit => ProcessImage.End(exit.Code),
            WorkerEffect.Exit exit => exit.Code,
            var other => throw new InvalidOperationException($"A worker does not end by {other}."),
        };
    }

    private static async Task<WorkerEffect> ServeAsync(WorkerOptions options)
    {
        TlsSource? tls = null;
        ILogger log = NullLogger.Instance;
        try
        {
            tls = options.Tls is { } files ? new TlsSource(files, text => Log.Peer(log, text), TimeProvider.System) : null;
        }
        catch (IOException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return new WorkerEffect.Exit(ExitUsage, error.Message);
        }

        await using var app = Build(options);
        log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("worker");
        CollectiveServer server;
        try
        {
            await app.StartAsync();
            server = new CollectiveServer(options.Listen, text => Log.Peer(log, text), tls is null ? null : () => tls.Current);
        }
        catch (IOException error)
        {
            var problem =
                $"The worker cannot listen on {options.Listen} or {options.Metrics}: {error.Message.TrimEnd('.')}. Choose other ports with --listen and --metrics, or 0 for any free one.";
            await Console.Error.WriteLineAsync(problem);
            return new WorkerEffect.Exit(1, problem);
        }

        using var peers = server;
        var (collective, metricsAddress) = Addresses(app, server, options);
        Log.Started(log, collective, metricsAddress, string.Join(',', options.Coordinators));
        if (options.IsInsecure)
        {
            Log.Insecure(log, collective);
        }

        var end = await Serve(app, options, server, collective, metricsAddress, log);
        if (end is WorkerEffect.Restart restart)
        {
            Log.Restarting(log, restart.Reason);
        }
        else if (end is WorkerEffect.Exit exit)
        {
            Log.Ended(log, exit.Code, exit.Reason);
        }

        await app.StopAsync();
        return end;
    }

    /// <summary>Does not return, except when it fails.</summary>
    private static int StartAfresh()
    {
        try
        {
            ProcessImage.Replace();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"The worker cannot start afresh by itself: {error.Message} Start it again.");
        }

        return 1;
    }

    private static async Task<WorkerEffect> Serve(
        WebApplication app, WorkerOptions options, CollectiveServer server, string collective, string metricsAddress, ILogger log)
    {
        var metrics = app.Services.GetRequiredService<WorkerMetrics>();
        var actor = new WorkerActor(options.HasLifeline, metrics, log);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Terminate(actor, context));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Terminate(actor, context));
        if (options.HasLifeline)
        {
            _ = Task.Run(() => WatchLifeline(actor));
        }

        var device = options.ResolveDevice();
        using var session = new RunSession(device, server, actor.Post, metrics);
        var hello = new WorkerMessage.Hello(
            Environment.ProcessId, Dns.GetHostName(), collective, metricsAddress, NumericSetup.HighestIsa(options.Isa), device, options.Launcher, Versions.Program)
        {
            Labels = options.Labels, Instance = WorkerInstance.Id,
        };
        await using var link = new CoordinatorLink(
            options.Coordinators, hello, actor.Post, text => Log.Note(log, text), WorkerOptions.FindToken, options.Tls, options.HasLifeline ? LaunchedPatience : StandingPatience);
        var end = await actor.RunAsync(link, session);
        if (end is WorkerEffect.Exit { IsHung: true } or WorkerEffect.Restart { IsHung: true })
        {
            session.Abandon();
        }

        return end;
    }

    private static WebApplication Build(WorkerOptions options)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
            console.UseUtcTimestamp = true;
            console.ColorBehavior = LoggerColorBehavior.Disabled;
        });
        // Standard output is for data.
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Services.AddSingleton<WorkerMetrics>();
        builder.Services.AddPrometheusMetrics();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(options.Metrics, listen => listen.Protocols = HttpProtocols.Http1));
        var app = builder.Build();
        app.MapMetrics("/metrics");
        return app;
    }

    /// <summary>What the worker tells others: its ports as they came out, under the name that they can reach.</summary>
    private static (string Collective, string Metrics) Addresses(WebApplication app, CollectiveServer server, WorkerOptions options)
    {
        var metrics = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return ($"{Host(options.Listen)}:{server.TcpEndPoint.Port}", $"{Host(options.Metrics)}:{metrics.Port}");

        string Host(IPEndPoint endpoint) =>
            options.Advertise ?? (endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any) ? Dns.GetHostName() : endpoint.Address.ToString());
    }

    /// <summary>Ctrl+C reaches every process of a terminal; a launched worker leaves it to its launcher, which ends the run in order.</summary>
    private static void Terminate(WorkerActor actor, PosixSignalContext context)
    {
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGTERM || !actor.EndsWithRun)
        {
            actor.Post(new WorkerEvent.LeaveRequested($"The worker was told to end by {context.Signal}."));
        }
    }

    /// <summary>The launcher holds the other end of standard input: it closes when the launcher ends, however it ends.</summary>
    private static void WatchLifeline(WorkerActor actor)
    {
        using var input = Console.OpenStandardInput();
        Span<byte> ignored = stackalloc byte[64];
        while (input.Read(ignored) > 0)
        {
        }

        actor.Post(new WorkerEvent.Terminated("The launcher is gone: the lifeline closed."));
    }
}
