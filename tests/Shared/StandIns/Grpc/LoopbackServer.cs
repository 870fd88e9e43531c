using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Grpc.StandIn.Tests.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Grpc.StandIn.Tests;

/// <summary>A real server on a loopback port, and a channel to it.</summary>
public sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LoopbackServer(WebApplication app, Uri address, GrpcChannel channel, ServiceBehaviour behaviour)
    {
        _app = app;
        Address = address;
        Channel = channel;
        Behaviour = behaviour;
        Client = new Loopback.LoopbackClient(channel);
    }

    public Uri Address { get; }

    public GrpcChannel Channel { get; }

    public ServiceBehaviour Behaviour { get; }

    public Loopback.LoopbackClient Client { get; }

    public static async Task<LoopbackServer> StartAsync(
        Action<GrpcServiceOptions>? serviceOptions = null,
        GrpcChannelOptions? channelOptions = null,
        Action<WebApplication>? map = null,
        HttpProtocols protocols = HttpProtocols.Http2,
        Action<IGrpcServerBuilder>? services = null,
        int port = 0,
        HttpsConnectionAdapterOptions? https = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = protocols;
            if (https is not null)
            {
                listen.UseHttps(https);
            }
        }));
        var behaviour = new ServiceBehaviour();
        builder.Services.AddSingleton(behaviour);
        var grpc = builder.Services.AddGrpc(serviceOptions ?? (_ => { }));
        services?.Invoke(grpc);
        var app = builder.Build();
        app.MapGrpcService<LoopbackService>();
        map?.Invoke(app);
        await app.StartAsync();
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return new LoopbackServer(app, address, GrpcChannel.ForAddress(address, channelOptions ?? new GrpcChannelOptions()), behaviour);
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
    }
}
