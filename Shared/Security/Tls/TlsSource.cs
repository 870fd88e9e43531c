namespace Orchestrator.Security.Tls;

/// <summary>The present <see cref="PeerSecurity"/> of files that are changed while a server runs: each new connection uses what they hold then. Any thread.</summary>
/// <remarks>Certificates that were replaced are left to the garbage collector: a handshake may still use them.</remarks>
public sealed class TlsSource
{
    private readonly Lock _lock = new();
    private readonly TlsFiles _files;
    private readonly Action<string> _note;
    private readonly FileChanges _changes;
    private PeerSecurity _current;

    /// <param name="files">Read now, and again when they change.</param>
    /// <param name="note">Told when they were read again, or cannot be: then the former ones stay.</param>
    /// <param name="time">For the interval between two looks.</param>
    /// <exception cref="IOException">They cannot be used now.</exception>
    public TlsSource(TlsFiles files, Action<string> note, TimeProvider time)
    {
        (_files, _note) = (files, note);
        _changes = new FileChanges(time, files.Certificate, files.Key, files.Authority);
        _current = PeerSecurity.Load(files);
    }

    public PeerSecurity Current
    {
        get
        {
            lock (_lock)
            {
                Look();
                return _current;
            }
        }
    }

    private void Look()
    {
        try
        {
            if (!_changes.HaveCome())
            {
                return;
            }

            _current = PeerSecurity.Load(_files);
            _note($"The certificate in {_files.Certificate} was read again.");
        }
        catch (IOException e)
        {
            _note($"The changed TLS files cannot be used, and the former ones stay: {e.Message}");
        }
    }
}
