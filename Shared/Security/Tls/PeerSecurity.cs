using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Security.Tls;

/// <summary>TLS of one process: the certificate that it shows and the authority that it believes. Any thread.</summary>
/// <remarks>
/// With both, as between workers, each side shows a certificate of one authority and talks to nobody who has none. A server without an authority lets in clients
/// without certificates; a client without one believes the system's authorities.
/// </remarks>
public sealed class PeerSecurity : IDisposable
{
    private readonly X509Certificate2? _own;
    private readonly X509Certificate2Collection _chain;
    private readonly X509Certificate2Collection _authorities;
    private readonly SslStreamCertificateContext? _context;

    private PeerSecurity(X509Certificate2? own, X509Certificate2Collection chain, X509Certificate2Collection authorities)
    {
        (_own, _chain, _authorities) = (own, chain, authorities);
        _context = own is null ? null : SslStreamCertificateContext.Create(own, chain, offline: true);
    }

    /// <param name="files">What there is.</param>
    /// <exception cref="IOException">A file cannot be read or does not hold that; or the certificate is none of the authority's. The sentence names it.</exception>
    public static PeerSecurity Load(TlsFiles files)
    {
        var (certificate, key, authority) = files;
        var authorities = new X509Certificate2Collection();
        if (authority is not null)
        {
            Read(authority, "--tls-ca", "certificates", () => authorities.ImportFromPemFile(authority));
        }

        var chain = new X509Certificate2Collection();
        X509Certificate2? own = null;
        if (certificate is not null)
        {
            Read(certificate, "--tls-cert", "a certificate", () => chain.ImportFromPemFile(certificate));
            Read(key!, "--tls-key", $"the private key of {certificate}", () => own = X509Certificate2.CreateFromPemFile(certificate, key));
        }

        if ((certificate is not null && chain.Count == 0) || (authority is not null && authorities.Count == 0))
        {
            throw new IOException(
                $"{(certificate is not null && chain.Count == 0 ? $"--tls-cert {certificate}" : $"--tls-ca {authority}")} holds no certificate; PEM is needed (-----BEGIN CERTIFICATE-----).");
        }

        var security = new PeerSecurity(own, chain, authorities);
        foreach (var use in own is not null && authority is not null ? files.Uses : [])
        {
            if (security.WhyNot(own!, null, use) is { } problem)
            {
                throw new IOException($"--tls-cert {certificate} cannot be used with --tls-ca {authority}: {problem}. The others check it like this.");
            }
        }

        return security;
    }

    /// <summary>For connections that peers make; there is a certificate of one's own.</summary>
    public SslServerAuthenticationOptions Server() => _authorities.Count == 0 ? new() { ServerCertificateContext = _context } : new()
    {
        ServerCertificateContext = _context,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, seen, chain, _) => Accept(seen, chain, TlsFiles.ClientUse),
    };

    /// <summary>For a connection to a peer.</summary>
    /// <param name="host">The name or address that its certificate must be for.</param>
    public SslClientAuthenticationOptions Client(string host) => _authorities.Count == 0 ? new() { TargetHost = host, ClientCertificateContext = _context } : new()
    {
        TargetHost = host,
        ClientCertificateContext = _context,
        RemoteCertificateValidationCallback = (_, seen, chain, errors) => (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0 || seen is null
            ? Accept(seen, chain, TlsFiles.ServerUse)
            : throw new AuthenticationException($"the certificate \"{seen.Subject}\" is not for {host}; its subjectAltName must hold what it is reached by (a worker: --listen or --advertise)"),
    };

    public void Dispose()
    {
        _own?.Dispose();
        foreach (var certificate in _chain.Concat(_authorities))
        {
            certificate.Dispose();
        }
    }

    private bool Accept(X509Certificate? seen, X509Chain? sent, string use)
    {
        if (seen is null)
        {
            throw new AuthenticationException("the peer has no certificate; start it with --tls-cert, --tls-key and --tls-ca");
        }

        try
        {
            return WhyNot(seen as X509Certificate2 ?? new X509Certificate2(seen), sent, use) is { } problem ? throw new AuthenticationException($"the peer's certificate does not count: {problem}") : true;
        }
        catch (CryptographicException e)
        {
            // The last handshakes of a server that is closed may come after it has been disposed of.
            throw new AuthenticationException($"the peer's certificate cannot be checked: {e.Message}", e);
        }
    }

    /// <returns>Null when the authority signed the certificate for this use.</returns>
    private string? WhyNot(X509Certificate2 certificate, X509Chain? sent, string use)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.ExtraStore.AddRange(sent is null ? _chain : sent.ChainPolicy.ExtraStore);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(use));
        return chain.Build(certificate) ? null
            : $"\"{certificate.Subject}\" of \"{certificate.Issuer}\", valid until {certificate.NotAfter.ToUniversalTime():u}: " +
                string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim().TrimEnd('.')).Distinct());
    }

    private static void Read(string path, string option, string expected, Action read)
    {
        try
        {
            read();
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{option} {path} does not give {expected}: {error.Message.TrimEnd('.')}. PEM files are needed.", error);
        }
    }
}
