using System.Collections.Immutable;
using System.Net;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Access;

/// <summary>Who may call a coordinator.</summary>
public sealed record AccessOptions
{
    public required TokenSource Tokens { get; init; }

    /// <summary>Names that it goes by beside those of its addresses, without ports.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];

    /// <param name="listening">Its addresses.</param>
    public HostRule HostRuleOf(params Endpoint[] listening)
    {
        // Listening on all addresses, it goes by the machine's name, too.
        var machine = listening.Any(endpoint => IPAddress.TryParse(endpoint.Host, out var address) && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
            ? ImmutableArray.Create(Dns.GetHostName())
            : [];
        return new HostRule([.. listening.Select(endpoint => endpoint.Host).Concat(machine).Concat(Hosts).Distinct(StringComparer.OrdinalIgnoreCase)]);
    }
}
