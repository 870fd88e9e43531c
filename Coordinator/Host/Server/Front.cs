using System.Collections.Immutable;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>The ports of one coordinator process. They are open from its start to its end, whoever answers behind them: the standby's part, or the owner's.</summary>
internal sealed class Front : IAsyncDisposable
{
    private readonly WebApplication _app;
    private volatile FrontedServer? _shown;

    private Front(WebApplication app) => _app = app;

    /// <summary>Where it listens for workers and commands, with the real port.</summary>
    public required Endpoint Grpc { get; init; }

    /// <summary>Where it serves HTTP, with the real port.</summary>
    public required Endpoint Http { get; init; }

    /// <exception cref="PortInUseException">Another program listens there.</exception>
    /// <exception cref="FormatException">An address cannot be resolved.</exception>
    public static async Task<Front> StartAsync(CoordinatorOptions options, Action<ILoggingBuilder> logging)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        builder.WebHost.ConfigureKestrel(kestrel => CoordinatorServer.Listen(kestrel, options));
        var app = builder.Build();
        Front? front = null;
        app.Run(context => front?._shown is { } shown ? shown.ServeAsync(context.Features) : StartingAsync(context));
        var ports = await StartAsync(app).ConfigureAwait(false);
        front = new Front(app) { Grpc = options.Listen with { Port = ports[0] }, Http = options.Http with { Port = ports[1] } };
        return front;
    }

    /// <summary>From now on requests go there; those under way end where they began.</summary>
    public void Show(FrontedServer server) => _shown = server;

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(patience.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    /// <returns>The real ports, in the order of the Listen calls: Kestrel keeps it.</returns>
    /// <exception cref="PortInUseException">Another program listens there.</exception>
    internal static async Task<ImmutableArray<int>> StartAsync(WebApplication app)
    {
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw new PortInUseException(e.Message, e);
        }

        return [.. app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(address => new Uri(address).Port)];
    }

    /// <summary>In the first moments of the process.</summary>
    private static Task StartingAsync(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }
}
