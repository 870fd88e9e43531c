using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Security.Tls;

namespace Orchestrator.Worker.Tests.Collectives;

/// <summary>An authority made for one test, and the files of workers that it signs for.</summary>
internal sealed class TestAuthority : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("authority-");
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(2));
        File.WriteAllText(Path, _certificate.ExportCertificatePem());
    }

    /// <summary>The authority's own file.</summary>
    public string Path => System.IO.Path.Combine(_folder.FullName, "ca.pem");

    /// <summary>A worker's certificate and key.</summary>
    /// <param name="name">Of the files and the subject.</param>
    /// <param name="address">What it is reached by.</param>
    /// <param name="validDays">From yesterday on.</param>
    /// <param name="isForBoth">Whether it may be shown by a client, too.</param>
    public (string Certificate, string Key) Sign(string name, string address = "127.0.0.1", int validDays = 2, bool isForBoth = true)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerUse), .. isForBoth ? [new Oid(ClientUse)] : Array.Empty<Oid>()], critical: false));
        var yesterday = DateTimeOffset.UtcNow.AddDays(-1);
        using var signed = request.Create(_certificate, yesterday, yesterday.AddDays(validDays), RandomNumberGenerator.GetBytes(8));
        var files = (System.IO.Path.Combine(_folder.FullName, $"{name}.pem"), System.IO.Path.Combine(_folder.FullName, $"{name}.key"));
        File.WriteAllText(files.Item1, signed.ExportCertificatePem());
        File.WriteAllText(files.Item2, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    public PeerSecurity Load(string name, string address = "127.0.0.1")
    {
        var (certificate, key) = Sign(name, address);
        return PeerSecurity.Load(new TlsFiles(certificate, key, Path));
    }

    public void Dispose()
    {
        _certificate.Dispose();
        _key.Dispose();
        _folder.Delete(recursive: true);
    }
}
