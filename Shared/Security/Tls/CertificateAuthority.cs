using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Security.Tls;

/// <summary>A private authority for one cluster: signs the certificates of its coordinator, workers and clients. Keys are ECDSA on P-256. The caller disposes it.</summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>An authority outlives what it signs.</summary>
    private const int AuthorityYears = 10;

    /// <summary>As long as public authorities once allowed; replaced files are read again without a restart.</summary>
    private const int CertificateDays = 397;

    /// <summary>Clocks of hosts differ a little.</summary>
    private static readonly TimeSpan Backdated = TimeSpan.FromHours(1);

    private readonly ECDsa _key;
    private readonly X509Certificate2 _certificate;
    private readonly DateTimeOffset _now;

    private CertificateAuthority(ECDsa key, X509Certificate2 certificate, DateTimeOffset now) => (_key, _certificate, _now) = (key, certificate, now);

    public static CertificateAuthority Create(string name, DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName($"CN={name}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return new CertificateAuthority(key, request.CreateSelfSigned(now - Backdated, now.AddYears(AuthorityYears)), now);
    }

    /// <summary>Of the authority itself: whoever is to believe it needs this, which is no secret.</summary>
    public string CertificatePem => _certificate.ExportCertificatePem() + "\n";

    /// <summary>Who has it can sign for the cluster.</summary>
    public string KeyPem => _key.ExportPkcs8PrivateKeyPem() + "\n";

    /// <param name="name">Its subject.</param>
    /// <param name="hosts">Names and addresses that it is reached by; none: it is no server's.</param>
    /// <returns>The certificate, which names the authority, and its private key.</returns>
    public (string CertificatePem, string KeyPem) Sign(string name, IReadOnlyCollection<string> hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName($"CN={name}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        OidCollection uses = [new Oid(TlsFiles.ClientUse)];
        if (hosts.Count > 0)
        {
            uses.Add(new Oid(TlsFiles.ServerUse));
            request.CertificateExtensions.Add(NamesOf(hosts));
        }

        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(uses, critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        using var signed = request.Create(_certificate, _now - Backdated, _now.AddDays(CertificateDays), SerialNumber());
        return (signed.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
    }

    private static X509Extension NamesOf(IEnumerable<string> hosts)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var host in hosts)
        {
            if (IPAddress.TryParse(host, out var address))
            {
                names.AddIpAddress(address);
            }
            else
            {
                names.AddDnsName(host);
            }
        }

        return names.Build();
    }

    /// <summary>Random and positive, as RFC 5280 (4.1.2.2) wants it.</summary>
    private static byte[] SerialNumber()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        return serial;
    }
}
