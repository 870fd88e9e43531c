using System.Collections.Immutable;
using System.Net;
using Orchestrator.Core.Jobs;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Worker.Host.Control;

/// <summary>What the `worker` verb was told.</summary>
/// <param name="Coordinators">host:port each: whoever of them owns the runs takes the worker.</param>
/// <param name="Listen">Where peers reach it; port 0: any free one.</param>
/// <param name="Metrics">Where Prometheus reaches it; port 0: any free one.</param>
/// <param name="Advertise">Host name or address that it tells to others; null: that of Listen.</param>
/// <param name="Device">auto, cpu or cuda:N.</param>
/// <param name="Isa">Newest instruction-set level to use; null: the processor's.</param>
/// <param name="Launcher">Names who started it; empty: by hand.</param>
/// <param name="HasLifeline">Whether it ends when its standard input closes, and with its run.</param>
/// <param name="IsInsecure">Whether it may listen on other addresses than loopback.</param>
/// <param name="Tls">Files for TLS between workers, and to a coordinator at https://; null: workers talk plainly, and the environment may name files for the coordinator.</param>
internal sealed record WorkerOptions(
    ImmutableArray<string> Coordinators, IPEndPoint Listen, IPEndPoint Metrics, string? Advertise, string Device, string? Isa, string Launcher, bool HasLifeline, bool IsInsecure,
    TlsFiles? Tls = null)
{
    /// <summary>What it says that it has.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = LabelRule.None;

    /// <summary>Null when the addresses may be listened on; else the sentence.</summary>
    public string? AddressProblem() => IsInsecure ? null
        : !IPAddress.IsLoopback(Listen.Address) && Tls is null
            ? $"The worker would listen on {Listen}, which others can reach, without authentication or encryption. " +
              "Listen on 127.0.0.1, give --tls-cert, --tls-key and --tls-ca, or say --insecure on a network that you trust."
        : !IPAddress.IsLoopback(Metrics.Address)
            ? $"The worker would listen on {Metrics}, which others can reach, without authentication or encryption. Listen on 127.0.0.1, or say --insecure on a network that you trust."
        : null;

    /// <summary>What it shows the coordinator at an address; null: nothing.</summary>
    /// <exception cref="TokenFileException">The file of tokens cannot be used.</exception>
    public static string? FindToken(string address) => TokenPlaces.Find(TokenUse.Worker, IsTrusted(address));

    /// <summary>Proved by its certificate, or on this machine.</summary>
    private static bool IsTrusted(string address) =>
        SecureAddress.IsSecure(address) || SecureAddress.IsLoopback(address[..Math.Max(0, address.LastIndexOf(':'))].Trim('[', ']'));

    /// <summary>cpu, or cuda:N: whether this machine has an NVIDIA device is seen from its driver, without loading libtorch.</summary>
    public string ResolveDevice() => Device switch
    {
        "auto" => File.Exists("/dev/nvidiactl") ? "cuda:0" : "cpu",
        "cuda" => "cuda:0",
        _ => Device,
    };
}
