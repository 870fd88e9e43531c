using System.Net;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Orchestrator.Interop.Tests;

/// <summary>Our server on a loopback port, for the Python client.</summary>
internal sealed class OurServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OurServer(WebApplication app, Uri address, CancellationCount cancellations)
    {
        _app = app;
        Address = address;
        Cancellations = cancellations;
    }

    public Uri Address { get; }

    public CancellationCount Cancellations { get; }

    public static async Task<OurServer> StartAsync(Action<GrpcServiceOptions>? options = null)
    {
        PythonPeer.SkipUnlessInstalled();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var cancellations = new CancellationCount();
        builder.Services.AddSingleton(cancellations);
        builder.Services.AddGrpc(options ?? (_ => { }));
        var app = builder.Build();
        app.MapGrpcService<PeerService>();
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new OurServer(app, new Uri(address), cancellations);
    }

    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }
}
