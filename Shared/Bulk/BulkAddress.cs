using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Bulk;

/// <summary>Addresses as text: <c>HOST:PORT</c>, <c>[IPV6]:PORT</c> or <c>unix:PATH</c>.</summary>
public static class BulkAddress
{
    private const string UnixPrefix = "unix:";

    /// <exception cref="FormatException">It is none of the forms.</exception>
    public static EndPoint Parse(string address)
    {
        if (address.StartsWith(UnixPrefix, StringComparison.Ordinal))
        {
            return Unix(address[UnixPrefix.Length..]);
        }

        if (IPEndPoint.TryParse(address, out var ip) && ip.Port > 0)
        {
            return ip;
        }

        var colon = address.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0
            ? new DnsEndPoint(address[..colon], port)
            : throw new FormatException($"\"{address}\" is no address of a bulk server; write HOST:PORT or unix:PATH.");
    }

    /// <exception cref="IOException">The path is longer than the system allows (107 bytes on Linux).</exception>
    internal static UnixDomainSocketEndPoint Unix(string path)
    {
        try
        {
            return new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentException error)
        {
            throw new IOException($"\"{path}\" cannot be a Unix socket's path: {error.Message}", error);
        }
    }
}
