namespace Orchestrator.Integration.Tests.Support;

/// <summary>The lines of a stream as they come. Any thread may wait for one; a line that came before counts.</summary>
internal sealed class LineFeed
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isOver;

    public LineFeed(StreamReader reader) => Ended = Task.Run(() => ReadAsync(reader));

    /// <summary>Done when the stream has ended.</summary>
    public Task Ended { get; }

    public string Text
    {
        get
        {
            lock (_lock)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    /// <returns>The first line from number <paramref name="from"/> on that fits, or null when the stream ended without one.</returns>
    public async Task<string?> FindAsync(Func<string, bool> fits, int from = 0)
    {
        for (var at = from; ;)
        {
            Task changed;
            lock (_lock)
            {
                for (; at < _lines.Count; at++)
                {
                    if (fits(_lines[at]))
                    {
                        return _lines[at];
                    }
                }

                if (_isOver)
                {
                    return null;
                }

                changed = _changed.Task;
            }

            await changed;
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        string? line;
        do
        {
            line = await reader.ReadLineAsync();
            TaskCompletionSource changed;
            lock (_lock)
            {
                _isOver = line is null;
                if (line is not null)
                {
                    _lines.Add(line);
                }

                (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            }

            changed.SetResult();
        }
        while (line is not null);
    }
}
