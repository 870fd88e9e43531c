namespace Orchestrator.Security.Tls;

/// <summary>The present <see cref="PeerSecurity"/> of files that are changed while a server runs: each new connection uses what they hold then. Any thread.</summary>
/// <remarks>Certificates that were replaced are left to the garbage collector: a handshake may still use them.</remarks>
public sealed class TlsSource
{
    private readonly ReadFiles<PeerSecurity> _files;

    /// <param name="files">Read now, and again when they change.</param>
    /// <param name="note">Told when they were read again, or cannot be: then the former ones stay.</param>
    /// <param name="time">For the interval between two looks.</param>
    /// <exception cref="IOException">They cannot be used now.</exception>
    public TlsSource(TlsFiles files, Action<string> note, TimeProvider time) => _files = new ReadFiles<PeerSecurity>(
        [files.Certificate, files.Key, files.Authority], () => PeerSecurity.Load(files), (_, _) => note($"The certificate in {files.Certificate} was read again."),
        problem => note($"The changed TLS files cannot be used, and the former ones stay: {problem.Message}"), time);

    public PeerSecurity Current => _files.Current;
}
