namespace Orchestrator.Security.Tls;

/// <summary>The present <see cref="PeerSecurity"/> of files that are changed while a server runs: each new connection uses what they hold then. Any thread.</summary>
/// <remarks>Certificates that were replaced are left to the garbage collector: a handshake may still use them.</remarks>
public sealed class TlsSource
{
    /// <summary>Between two looks at the files.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly TlsFiles _files;
    private readonly Action<string> _note;
    private readonly TimeProvider _time;
    private PeerSecurity _current;
    private string _stamp;
    private long _lookedAt;

    /// <param name="files">Read now, and again when they change.</param>
    /// <param name="note">Told when they were read again, or cannot be: then the former ones stay.</param>
    /// <param name="time">For the interval between two looks.</param>
    /// <exception cref="IOException">They cannot be used now.</exception>
    public TlsSource(TlsFiles files, Action<string> note, TimeProvider time)
    {
        (_files, _note, _time, _lookedAt) = (files, note, time, time.GetTimestamp());
        _stamp = StampOf(files);
        _current = PeerSecurity.Load(files);
    }

    public PeerSecurity Current
    {
        get
        {
            lock (_lock)
            {
                if (_time.GetElapsedTime(_lookedAt) >= LookInterval)
                {
                    _lookedAt = _time.GetTimestamp();
                    Look();
                }

                return _current;
            }
        }
    }

    private void Look()
    {
        try
        {
            var stamp = StampOf(_files);
            if (stamp == _stamp)
            {
                return;
            }

            // Once for each change: half of a pair that is being replaced is tried again when the other half has come.
            _stamp = stamp;
            _current = PeerSecurity.Load(_files);
            _note($"The certificate in {_files.Certificate} was read again.");
        }
        catch (IOException e)
        {
            _note($"The changed TLS files cannot be used, and the former ones stay: {e.Message}");
        }
    }

    private static string StampOf(TlsFiles files) => string.Join(' ', new[] { files.Certificate, files.Key, files.Authority }
        .Select(path => path is null ? "" : $"{File.GetLastWriteTimeUtc(path).Ticks}.{(File.Exists(path) ? new FileInfo(path).Length : -1)}"));
}
