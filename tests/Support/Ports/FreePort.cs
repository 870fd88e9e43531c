using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Tests.Support;

/// <summary>Ports of the loopback address on which nobody listens now: for processes that must be found at the same place when they are started again.</summary>
internal static class FreePort
{
    /// <summary>Below those that a system gives to connections that go out: none of these is taken by chance between its finding and its use.</summary>
    private const int Least = 10_000;

    private const int Most = 32_000;

    public static int Find() => Find(1)[0];

    /// <returns>All of them different.</returns>
    public static int[] Find(int count)
    {
        var listeners = new List<TcpListener>();
        try
        {
            while (listeners.Count < count)
            {
                var listener = new TcpListener(IPAddress.Loopback, Random.Shared.Next(Least, Most));
                try
                {
                    listener.Start();
                    listeners.Add(listener);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
                {
                    listener.Dispose();
                }
            }

            return [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        }
        finally
        {
            listeners.ForEach(listener => listener.Dispose());
        }
    }
}
