using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server.Internal;

/// <summary>What the connection says of the client, in the words that gRPC servers share.</summary>
internal static class CallPeer
{
    private const string CommonName = "x509_common_name";
    private const string SubjectAlternativeName = "x509_subject_alternative_name";

    public static string Address(ConnectionInfo connection) => connection.RemoteIpAddress switch
    {
        null => "unknown",
        { AddressFamily: AddressFamily.InterNetworkV6 } v6 => $"ipv6:[{v6}]:{connection.RemotePort}",
        var v4 => $"ipv4:{v4}:{connection.RemotePort}",
    };

    /// <summary>Not authenticated without a client certificate; the identity is its DNS name where it has one, else its common name.</summary>
    public static AuthContext Authentication(X509Certificate2? certificate)
    {
        var properties = new Dictionary<string, List<AuthProperty>>();
        if (certificate is null)
        {
            return new AuthContext(null, properties);
        }

        Add(SubjectAlternativeName, certificate.GetNameInfo(X509NameType.DnsFromAlternativeName, forIssuer: false));
        Add(CommonName, certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        var identity = properties.ContainsKey(SubjectAlternativeName) ? SubjectAlternativeName
            : properties.ContainsKey(CommonName) ? CommonName
            : null;
        return new AuthContext(identity, properties);

        void Add(string name, string value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                properties[name] = [AuthProperty.Create(name, Encoding.UTF8.GetBytes(value))];
            }
        }
    }
}
