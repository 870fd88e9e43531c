namespace Orchestrator.Security;

/// <summary>Tells when files are others than at the last look, by their times and lengths; it looks once a second at most. Its caller locks.</summary>
internal sealed class FileChanges
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly string?[] _paths;
    private readonly TimeProvider _time;
    private string _stamp;
    private long _lookedAt;

    /// <summary>Looks for the first time: made before the files are read, so that no change is missed.</summary>
    /// <param name="time">For the interval between two looks.</param>
    /// <param name="paths">Null: none.</param>
    public FileChanges(TimeProvider time, params string?[] paths)
    {
        (_time, _paths, _lookedAt) = (time, paths, time.GetTimestamp());
        _stamp = StampOf(paths);
    }

    /// <summary>True once for each change: half of a pair that is being replaced is told again when the other half has come.</summary>
    /// <exception cref="IOException">A file cannot be looked at.</exception>
    public bool HaveCome()
    {
        if (_time.GetElapsedTime(_lookedAt) < LookInterval)
        {
            return false;
        }

        _lookedAt = _time.GetTimestamp();
        var stamp = StampOf(_paths);
        if (stamp == _stamp)
        {
            return false;
        }

        _stamp = stamp;
        return true;
    }

    private static string StampOf(string?[] paths) => string.Join(' ', paths
        .Select(path => path is null ? "" : $"{File.GetLastWriteTimeUtc(path).Ticks}.{(File.Exists(path) ? new FileInfo(path).Length : -1)}"));
}
