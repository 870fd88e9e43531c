using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>Something new about a run: a line of its events, or only its state.</summary>
/// <param name="Line">As in events.jsonl; null: only the state moved on.</param>
/// <param name="Record">What the line says; null when there is none, or when it is read back from the file.</param>
/// <param name="State">The run as it was then.</param>
public sealed record RunNews(string? Line, RunRecord? Record, RunState State)
{
    /// <summary>Lines that events.jsonl has with this one; set by <see cref="RunFeed"/>.</summary>
    public int LineCount { get; init; }
}

/// <summary>Hands news of one run to everyone who watches it. Published by the actor; watched from any thread.</summary>
public sealed class RunFeed
{
    /// <summary>News that a slow watcher may be behind; then it loses the oldest states, which the next one replaces, and lines.</summary>
    public const int MaxBehind = 10_000;

    /// <summary>Between two states for a paced watcher: steps can take a millisecond, and nobody reads a thousand states a second.</summary>
    public static readonly TimeSpan StateInterval = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly List<Watcher> _watchers = [];
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _statesAt;
    private RunNews? _held;
    private bool _isTimed;
    private bool _isOver;
    private int _lines;

    /// <param name="lines">Lines that events.jsonl has already.</param>
    /// <param name="time">For the interval.</param>
    public RunFeed(int lines, TimeProvider time)
    {
        (LinesAtStart, _lines, _time) = (lines, lines, time);
        _timer = time.CreateTimer(_ => TellHeld(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _statesAt = time.GetTimestamp() - (long)(StateInterval.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Of a run that has ended: whoever watches is told what the file has, and no more.</summary>
    public static RunFeed Over()
    {
        var feed = new RunFeed(int.MaxValue, TimeProvider.System);
        feed.Complete();
        return feed;
    }

    /// <summary>Lines that events.jsonl had before the run.</summary>
    public int LinesAtStart { get; }

    public void Publish(RunNews news)
    {
        lock (_lock)
        {
            _lines += news.Line is null ? 0 : 1;
            news = news with { LineCount = _lines };
            var since = _time.GetElapsedTime(_statesAt);
            var isDue = news.Line is not null || since >= StateInterval;
            if (!isDue && !_isTimed && _watchers.Exists(watcher => watcher.IsPaced))
            {
                _isTimed = _timer.Change(StateInterval - since, Timeout.InfiniteTimeSpan);
            }

            (_held, _statesAt) = isDue ? (null, _time.GetTimestamp()) : (news, _statesAt);
            foreach (var watcher in _watchers)
            {
                if (isDue || !watcher.IsPaced)
                {
                    watcher.Channel.Writer.TryWrite(news);
                }
            }
        }
    }

    /// <summary>The run has ended: watchers are told what is left, then let go.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            (_isOver, _held) = (true, null);
            _timer.Dispose();
            _watchers.ForEach(watcher => watcher.Channel.Writer.TryComplete());
            _watchers.Clear();
        }
    }

    /// <summary>Begins to watch at once; the news is read from what is returned.</summary>
    /// <param name="cancellation">Ends the news.</param>
    /// <param name="isPaced">States come once in <see cref="StateInterval"/> at most, the last one always, so that a watcher does not wake at every step; lines come all.</param>
    /// <returns>How many lines were published before, and the news from now on. The news ends with the run.</returns>
    public (int LinesBefore, IAsyncEnumerable<RunNews> News) Watch(CancellationToken cancellation, bool isPaced = false)
    {
        var channel = Channel.CreateBounded<RunNews>(new BoundedChannelOptions(MaxBehind) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        lock (_lock)
        {
            if (_isOver)
            {
                channel.Writer.Complete();
            }
            else
            {
                _watchers.Add(new Watcher(channel, isPaced));
            }

            return (_lines, ReadAsync(channel, cancellation));
        }
    }

    /// <summary>Nothing newer came: the last state does not wait for the next.</summary>
    private void TellHeld()
    {
        lock (_lock)
        {
            _isTimed = false;
            if (_held is not { } news)
            {
                return;
            }

            (_held, _statesAt) = (null, _time.GetTimestamp());
            foreach (var watcher in _watchers.Where(watcher => watcher.IsPaced))
            {
                watcher.Channel.Writer.TryWrite(news);
            }
        }
    }

    private async IAsyncEnumerable<RunNews> ReadAsync(Channel<RunNews> channel, [EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            await foreach (var news in channel.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
            {
                yield return news;
            }
        }
        finally
        {
            lock (_lock)
            {
                _watchers.RemoveAll(watcher => watcher.Channel == channel);
            }
        }
    }

    private sealed record Watcher(Channel<RunNews> Channel, bool IsPaced);
}
