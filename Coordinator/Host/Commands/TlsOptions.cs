using System.CommandLine;
using Orchestrator.Security.Tls;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The PEM files of TLS, on every verb: the coordinator's own, or what a verb shows and believes when it calls https://HOST:PORT.</summary>
internal sealed class TlsOptions
{
    public Option<string?> Certificate { get; } = Create("--tls-cert", $"PEM file: the certificate that this program shows. A verb that calls a coordinator: default ${TlsFiles.CertificateVariable}.");

    public Option<string?> Key { get; } = Create("--tls-key", $"PEM file: its private key. Default: ${TlsFiles.KeyVariable}.");

    public Option<string?> Authority { get; } = Create(
        "--tls-ca", $"PEM file: the authority that the others' certificates are of. A coordinator with it refuses who has none. Default: ${TlsFiles.AuthorityVariable}, else the system's authorities.");

    public void AddTo(Command root)
    {
        root.Options.Add(Certificate);
        root.Options.Add(Key);
        root.Options.Add(Authority);
    }

    /// <returns>Null when none is typed.</returns>
    /// <exception cref="UsageException">A certificate without its key, or the other way round.</exception>
    public TlsFiles? Read(ParseResult result)
    {
        var files = new TlsFiles(result.GetValue(Certificate), result.GetValue(Key), result.GetValue(Authority));
        return (files.Certificate is null) != (files.Key is null)
            ? throw new UsageException("--tls-cert and --tls-key go together: give both or none.")
            : files is { Certificate: null, Authority: null } ? null : files;
    }

    private static Option<string?> Create(string name, string meaning) => new(name) { Description = meaning, HelpName = "FILE", Recursive = true };
}
