using System.Net.Sockets;

namespace Orchestrator.Bulk.Wires;

/// <summary>What every socket of ours is set to, and how it ends.</summary>
internal static class SocketSetup
{
    // Often enough to see a silent peer within a second of its time; a wake-up costs microseconds.
    private static readonly TimeSpan LongestTick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ShortestTick = TimeSpan.FromMilliseconds(5);

    /// <param name="mostlySends">See <see cref="SocketWire"/>.</param>
    public static Wire ToWire(Socket socket, BulkOptions options, bool mostlySends)
    {
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            socket.NoDelay = true;
        }

        if (options.SocketBufferBytes > 0)
        {
            socket.SendBufferSize = socket.ReceiveBufferSize = options.SocketBufferBytes;
        }

        var tick = Tick(options);
        Wire wire = LinuxCalls.AreUsable ? new SocketWire(socket, tick, mostlySends) : new PortableWire(socket, tick);
        wire.SendPatience = Patience(options);
        return wire;
    }

    /// <summary>Whom a socket leads to. A Unix socket's other end has no name when it is a client.</summary>
    public static string Describe(Socket socket)
    {
        try
        {
            var remote = socket.RemoteEndPoint?.ToString();
            return string.IsNullOrEmpty(remote) ? $"a client of {socket.LocalEndPoint}" : remote;
        }
        catch (SocketException)
        {
            return "a peer that is gone";
        }
    }

    /// <summary>Ends directions of a socket that may have ended already.</summary>
    public static void Shutdown(Socket socket, SocketShutdown how)
    {
        try
        {
            socket.Shutdown(how);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It is down: what was asked for.
        }
    }

    private static TimeSpan Tick(BulkOptions options)
    {
        if (options.KeepAliveDelay <= TimeSpan.Zero)
        {
            return LongestTick;
        }

        var shorter = options.KeepAliveDelay < options.KeepAliveTimeout ? options.KeepAliveDelay : options.KeepAliveTimeout;
        var tick = shorter / 4;
        return tick > LongestTick ? LongestTick : tick < ShortestTick ? ShortestTick : tick;
    }

    // A peer that reads nothing for as long as a ping may stay unanswered is as silent as one that answers nothing.
    private static TimeSpan Patience(BulkOptions options) =>
        options.KeepAliveDelay > TimeSpan.Zero ? options.KeepAliveDelay + options.KeepAliveTimeout : TimeSpan.FromDays(1);
}
