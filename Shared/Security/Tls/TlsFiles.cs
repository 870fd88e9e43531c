namespace Orchestrator.Security.Tls;

/// <summary>PEM files.</summary>
/// <param name="Certificate">Of this process, then those between it and the authority; null: it shows none.</param>
/// <param name="Key">Its private key, not encrypted; null with the certificate.</param>
/// <param name="Authority">Of whoever signs the others' certificates; null: see <see cref="PeerSecurity"/>.</param>
public sealed record TlsFiles(string? Certificate, string? Key, string? Authority)
{
    internal const string ServerUse = "1.3.6.1.5.5.7.3.1";
    internal const string ClientUse = "1.3.6.1.5.5.7.3.2";

    /// <summary>Where commands find the files that are not typed.</summary>
    public const string CertificateVariable = "ORCHESTRATOR_TLS_CERT";
    public const string KeyVariable = "ORCHESTRATOR_TLS_KEY";
    public const string AuthorityVariable = "ORCHESTRATOR_TLS_CA";

    /// <summary>Whether the certificate is shown to those who connect.</summary>
    public bool IsServer { get; init; } = true;

    /// <summary>Whether the certificate is shown to those who are connected to.</summary>
    public bool IsClient { get; init; } = true;

    /// <summary>What the certificate must be good for.</summary>
    internal IEnumerable<string> Uses => [.. IsServer ? [ServerUse] : Array.Empty<string>(), .. IsClient ? [ClientUse] : Array.Empty<string>()];

    /// <summary>Those of a program that connects, by what was typed and else by the environment.</summary>
    /// <returns>Null: nothing is named.</returns>
    /// <exception cref="IOException">A certificate without its key, or the other way round.</exception>
    public static TlsFiles? OfClient(TlsFiles? typed)
    {
        var files = typed ?? new TlsFiles(Read(CertificateVariable), Read(KeyVariable), Read(AuthorityVariable));
        return (files.Certificate is null) != (files.Key is null)
            ? throw new IOException($"A certificate and its private key go together: --tls-cert and --tls-key, or {CertificateVariable} and {KeyVariable}.")
            : files is { Certificate: null, Authority: null } ? null : files with { IsServer = false };
    }

    private static string? Read(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } path ? path : null;
}
