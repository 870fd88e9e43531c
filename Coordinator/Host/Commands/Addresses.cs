using System.Net.Sockets;
using Orchestrator.Coordinator.Host.Server;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Addresses as they are typed.</summary>
internal static class Addresses
{
    /// <exception cref="UsageException">It is no address.</exception>
    public static Endpoint Read(string option, string typed)
    {
        try
        {
            return Endpoint.Parse(typed);
        }
        catch (FormatException e)
        {
            throw new UsageException($"{option}: {e.Message}");
        }
    }

    /// <summary>Whether somebody listens there now: only used to say which of two ports was the taken one.</summary>
    public static bool IsTaken(Endpoint endpoint)
    {
        if (endpoint.Port == 0)
        {
            return false;
        }

        try
        {
            using var probe = new TcpListener(endpoint.Resolve());
            probe.Start();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
