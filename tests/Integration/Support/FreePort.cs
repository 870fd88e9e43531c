using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>Ports of the loopback address on which nobody listens now: for processes that must be found at the same place when they are started again.</summary>
internal static class FreePort
{
    public static int Find() => Find(1)[0];

    /// <returns>All of them different.</returns>
    public static int[] Find(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        Array.ForEach(listeners, listener => listener.Start());
        var ports = listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port).ToArray();
        Array.ForEach(listeners, listener => listener.Dispose());
        return ports;
    }
}
