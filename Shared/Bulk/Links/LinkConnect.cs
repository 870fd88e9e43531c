using System.Net;
using System.Net.Sockets;
using Orchestrator.Bulk.Wires;

namespace Orchestrator.Bulk.Links;

/// <summary>Connects a wire within a time.</summary>
internal static class LinkConnect
{
    /// <exception cref="BulkLinkException">Nobody listens there, or not in time, or TLS failed.</exception>
    public static Wire Connect(EndPoint address, BulkLinkOptions options, CancellationToken cancellation)
    {
        try
        {
            var patience = address is UnixDomainSocketEndPoint || options.HandshakeTimeout < options.ConnectTimeout ? options.HandshakeTimeout : options.ConnectTimeout;
            var plain = SocketSetup.ToWire(Dial(address, patience, cancellation), options, mostlySends: true);
            try
            {
                return options.Tls is { } tls && address is not UnixDomainSocketEndPoint ? TlsWire.Connect(plain, tls, options.HandshakeTimeout) : plain;
            }
            catch
            {
                plain.Dispose();
                throw;
            }
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            throw new BulkLinkException($"The link to {address} could not be made: {error.Message}.", error);
        }
    }

    // A blocking connect cannot be told how long to wait; an asynchronous one would leave the socket in the slow mode for good. So the
    // blocking one is interrupted by closing the socket.
    private static Socket Dial(EndPoint address, TimeSpan patience, CancellationToken cancellation)
    {
        var socket = address is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : address.AddressFamily == AddressFamily.InterNetwork ? new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            : new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var interruption = limit.Token.Register(socket.Dispose);
        limit.CancelAfter(patience);
        try
        {
            socket.Connect(address);

            // It may have been interrupted after it had connected: the socket is closed then, or about to be.
            return interruption.Unregister() ? socket : throw new ObjectDisposedException(nameof(Socket));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
            cancellation.ThrowIfCancellationRequested();
            if (limit.IsCancellationRequested)
            {
                throw new IOException($"no answer within {patience.TotalSeconds:0.#} s", error);
            }

            throw;
        }
    }
}
