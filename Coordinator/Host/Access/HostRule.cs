using System.Collections.Immutable;
using System.Net;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>Whether a request's Host names this coordinator. A web page that has its own name point here (DNS rebinding) is found out by it.</summary>
/// <param name="Names">What it goes by beside loopback: names and addresses, without ports.</param>
public sealed record HostRule(ImmutableArray<string> Names)
{
    /// <param name="host">The Host header or :authority, without the port; empty: none was sent.</param>
    /// <param name="local">The address that the connection came in on; an address is no name that somebody else could point here.</param>
    public bool Allows(string host, IPAddress? local)
    {
        var name = host.Trim('[', ']').TrimEnd('.');
        if (IPAddress.TryParse(name, out var address))
        {
            return IPAddress.IsLoopback(Plain(address)) || (local is not null && Plain(address).Equals(Plain(local))) || Names.Any(known => IsSame(known, address));
        }

        return name.Length > 0 && (name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || Names.Contains(name, StringComparer.OrdinalIgnoreCase));
    }

    private static bool IsSame(string known, IPAddress address) => IPAddress.TryParse(known, out var other) && Plain(other).Equals(Plain(address));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
