namespace Orchestrator.Security;

/// <summary>What files hold, read again when they change; it looks once a second at most. While they cannot be used, what they held before stays. Any thread.</summary>
/// <remarks>Half of a pair that is being replaced cannot be used; it is looked at again when the other half has come.</remarks>
internal sealed class ReadFiles<T>
    where T : class
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly string?[] _paths;
    private readonly TimeProvider _time;
    private readonly Func<T> _read;
    private readonly Action<T, T> _changed;
    private readonly Action<Exception> _failed;
    private string _stamp;
    private long _lookedAt;
    private T _current;

    /// <param name="paths">Looked at by their times and lengths. Null: none.</param>
    /// <param name="read">Reads them, now and after each change. What it throws now goes to the caller.</param>
    /// <param name="changed">Told the former and the present.</param>
    /// <param name="failed">Told why changed files cannot be used.</param>
    /// <param name="time">For the interval between two looks.</param>
    public ReadFiles(string?[] paths, Func<T> read, Action<T, T> changed, Action<Exception> failed, TimeProvider time)
    {
        (_paths, _read, _changed, _failed, _time, _lookedAt) = (paths, read, changed, failed, time, time.GetTimestamp());
        // Before they are read, so that no change is missed.
        _stamp = StampOf(paths);
        _current = read();
    }

    public T Current
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
        if (_time.GetElapsedTime(_lookedAt) < LookInterval)
        {
            return;
        }

        _lookedAt = _time.GetTimestamp();
        try
        {
            var stamp = StampOf(_paths);
            if (stamp == _stamp)
            {
                return;
            }

            _stamp = stamp;
            var former = _current;
            _current = _read();
            _changed(former, _current);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Tokens.TokenFileException)
        {
            _failed(e);
        }
    }

    private static string StampOf(string?[] paths) => string.Join(' ', paths
        .Select(path => path is null ? "" : $"{File.GetLastWriteTimeUtc(path).Ticks}.{(File.Exists(path) ? new FileInfo(path).Length : -1)}"));
}
