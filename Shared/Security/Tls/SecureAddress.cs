using System.Net;

namespace Orchestrator.Security.Tls;

/// <summary>Addresses of coordinators as they are typed and told: HOST:PORT, or https://HOST:PORT for one with TLS.</summary>
public static class SecureAddress
{
    public const string Scheme = "https://";

    public static bool IsSecure(string address) => address.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase);

    /// <returns>HOST:PORT.</returns>
    public static string Plain(string address) => IsSecure(address) ? address[Scheme.Length..].TrimEnd('/') : address;

    /// <exception cref="UriFormatException">It is no address.</exception>
    public static Uri UrlOf(string address) => new(IsSecure(address) ? address : $"http://{address}");

    /// <summary>Whether nobody on another machine is reached there.</summary>
    /// <param name="host">A name or an address, without brackets or port.</param>
    public static bool IsLoopback(string host) => host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    /// <returns>The name or address that a certificate must be for.</returns>
    public static string HostOf(string address) => UrlOf(address).IdnHost.Trim('[', ']');
}
