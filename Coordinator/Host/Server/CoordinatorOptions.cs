using System.Net;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Security.Tls;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Server;

/// <summary>Where a coordinator listens and how long it waits.</summary>
public sealed record CoordinatorOptions
{
    /// <summary>For workers and commands: gRPC over HTTP/2. Port 0: any free one.</summary>
    public required Endpoint Listen { get; init; }

    /// <summary>For the JSON API, /metrics, /targets and /healthz: HTTP/1.1, which without TLS cannot share a port with gRPC.</summary>
    public required Endpoint Http { get; init; }

    /// <summary>Who may call it.</summary>
    public required AccessOptions Access { get; init; }

    /// <summary>The certificates of both ports; null: they are plain.</summary>
    public TlsSource? Tls { get; init; }

    public RunWaits Waits { get; init; } = new();

    /// <summary>What submitted jobs may read and write.</summary>
    public JobRoots Roots { get; init; } = JobRoots.Any;

    /// <summary>Run folders of submitted jobs that name none.</summary>
    public required string RunsFolder { get; init; }

    /// <summary>What the store keeps of runs.</summary>
    public HistoryBounds History { get; init; } = new();

    /// <summary>The runs that it owns, and how their changes are stored; null: they live and die with this process.</summary>
    internal Tenure? Tenure { get; init; }

    /// <summary>Where others reach it, host:port, with https:// in front when it has TLS; empty: nobody looks for it.</summary>
    internal string Address { get; init; } = "";

    /// <summary>Where other coordinators reach its JSON API, in the same form; empty: they cannot.</summary>
    internal string HttpAddress { get; init; } = "";

    /// <summary>Whose ports it serves; null: it listens itself.</summary>
    internal Front? Front { get; init; }
}

/// <summary>One stint of a coordinator as the owner of its store's runs.</summary>
/// <param name="Found">What it goes on with.</param>
/// <param name="Journal">What it decides waits there until it is stored.</param>
/// <param name="Counts">For the metrics.</param>
internal sealed record Tenure(StoredRuns Found, RunJournal Journal, OwnershipCounts Counts)
{
    /// <summary>Whether orders may go out now.</summary>
    public required Func<bool> MayOrder { get; init; }

    /// <summary>How long a worker may hear nothing before it looks for another owner; null: it waits for its stream's end.</summary>
    public required TimeSpan? WorkerPatience { get; init; }
}

/// <summary>A host and a port, as a person types them.</summary>
public sealed record Endpoint(string Host, int Port)
{
    /// <summary>It is called over TLS; not part of the text.</summary>
    public bool IsSecure { get; init; }

    /// <summary>Port 0: any free one.</summary>
    public static Endpoint Loopback(int port) => new("127.0.0.1", port);

    /// <exception cref="FormatException">It is not HOST:PORT; the message says what to type.</exception>
    public static Endpoint Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), out var port) || port is < 0 or > 65535)
        {
            throw new FormatException($"'{text}' is not an address; HOST:PORT is needed, such as 127.0.0.1:7070.");
        }

        return new Endpoint(text[..colon].Trim('[', ']'), port);
    }

    /// <summary>Nobody on another machine reaches it.</summary>
    public bool IsLoopback => SecureAddress.IsLoopback(Host);

    /// <summary>The address to listen on; a name is looked up.</summary>
    /// <exception cref="FormatException">The name has no address.</exception>
    public IPEndPoint Resolve()
    {
        if (IPAddress.TryParse(Host == "localhost" ? "127.0.0.1" : Host, out var address))
        {
            return new IPEndPoint(address, Port);
        }

        try
        {
            return new IPEndPoint(Dns.GetHostAddresses(Host).OrderBy(found => found.AddressFamily).First(), Port);
        }
        catch (Exception e) when (e is System.Net.Sockets.SocketException or InvalidOperationException)
        {
            throw new FormatException($"The name '{Host}' has no address on this machine. Give an IP address, such as 0.0.0.0:{Port}.", e);
        }
    }

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
