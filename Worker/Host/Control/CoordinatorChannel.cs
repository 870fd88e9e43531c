using Grpc.Net.Client;
using Orchestrator.Security.Tls;

namespace Orchestrator.Worker.Host.Control;

/// <summary>The connection to a coordinator: plain for HOST:PORT, TLS for https://HOST:PORT.</summary>
internal static class CoordinatorChannel
{
    /// <param name="address">As it was typed, or as another coordinator told it.</param>
    /// <param name="tls">What is shown and believed, read now; null: what the environment names.</param>
    /// <exception cref="IOException">The files cannot be used.</exception>
    public static GrpcChannel Open(string address, TlsFiles? tls)
    {
        // What runs within a cluster does not go through a proxy that the environment names for the web.
        var handler = new SocketsHttpHandler { UseProxy = false, KeepAlivePingDelay = TimeSpan.FromSeconds(5), KeepAlivePingTimeout = TimeSpan.FromSeconds(10) };
        if (SecureAddress.IsSecure(address) && TlsFiles.OfClient(tls) is { } files)
        {
            handler.SslOptions = PeerSecurity.Load(files).Client(SecureAddress.HostOf(address));
        }

        return GrpcChannel.ForAddress(SecureAddress.UrlOf(address), new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
    }
}
