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

    private readonly Lock _lock = new();
    private readonly List<Channel<RunNews>> _watchers = [];
    private bool _isOver;
    private int _lines;

    /// <param name="lines">Lines that events.jsonl has already.</param>
    public RunFeed(int lines) => LinesAtStart = _lines = lines;

    /// <summary>Of a run that has ended: whoever watches is told what the file has, and no more.</summary>
    public static RunFeed Over()
    {
        var feed = new RunFeed(int.MaxValue);
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
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryWrite(news);
            }
        }
    }

    /// <summary>The run has ended: watchers are told what is left, then let go.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _isOver = true;
            _watchers.ForEach(watcher => watcher.Writer.TryComplete());
            _watchers.Clear();
        }
    }

    /// <summary>Begins to watch at once; the news is read from what is returned.</summary>
    /// <returns>How many lines were published before, and the news from now on. The news ends with the run.</returns>
    public (int LinesBefore, IAsyncEnumerable<RunNews> News) Watch(CancellationToken cancellation)
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
                _watchers.Add(channel);
            }

            return (_lines, ReadAsync(channel, cancellation));
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
                _watchers.Remove(channel);
            }
        }
    }
}
