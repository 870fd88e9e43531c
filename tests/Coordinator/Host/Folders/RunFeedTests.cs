using System.Diagnostics;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Tests.Folders;

public sealed class RunFeedTests
{
    private static readonly RunState Queued = RunMachine.Create(
        new RunOrder { Id = new RunId("run"), Job = Jobs.JobText.Read(Jobs.JobText.Smallest), RunDir = "/runs/run", JobFile = "job.json" }, new RunWaits()).State;

    private readonly RunFeed _feed = new(0, TimeProvider.System);

    /// <summary>Fifty streams and every attended submit woke at each step of a millisecond; each costs the run a part of a core.</summary>
    [Fact]
    public async Task Publish_AThousandStates_APacedWatcherGetsAFewAndTheLast()
    {
        var startedAt = Stopwatch.GetTimestamp();
        var (paced, every) = (_feed.Watch(TestContext.Current.CancellationToken, isPaced: true).News, _feed.Watch(TestContext.Current.CancellationToken).News);
        for (var step = 1; step <= 1000; step++)
        {
            _feed.Publish(State(step));
        }

        var seen = await ReadUntilAsync(paced, 1000);
        var intervals = Stopwatch.GetElapsedTime(startedAt) / RunFeed.StateInterval;

        Assert.InRange(seen.Count, 1, intervals + 2);
        Assert.Equal(1, seen[0]);
        Assert.Equal(Enumerable.Range(1, 1000), (await ReadUntilAsync(every, 1000)));
    }

    /// <summary>A state that was held back while nobody watched kept the next ones from whoever came then.</summary>
    [Fact]
    public async Task Publish_StatesBeforeAndAfterAWatcherCame_ItGetsTheLast()
    {
        _feed.Publish(State(1));
        _feed.Publish(State(2));
        var news = _feed.Watch(TestContext.Current.CancellationToken, isPaced: true).News;
        _feed.Publish(State(3));

        Assert.Equal([3], await ReadUntilAsync(news, 3));
    }

    [Fact]
    public async Task Publish_LinesAmongStates_AllLinesComeInOrderWithTheirNumbers()
    {
        var (before, news) = _feed.Watch(TestContext.Current.CancellationToken, isPaced: true);
        for (var step = 1; step <= 100; step++)
        {
            _feed.Publish(State(step));
            _feed.Publish(State(step) with { Line = $"{step}" });
        }

        _feed.Complete();
        var lines = new List<(string?, int)>();
        await foreach (var item in news)
        {
            if (item.Line is not null)
            {
                lines.Add((item.Line, item.LineCount));
            }
        }

        Assert.Equal(0, before);
        Assert.Equal(Enumerable.Range(1, 100).Select(step => ((string?)$"{step}", step)), lines);
    }

    private static RunNews State(int step) => new(null, null, Queued with { LostLogicalRankSteps = step });

    private static async Task<List<int>> ReadUntilAsync(IAsyncEnumerable<RunNews> news, int last)
    {
        var seen = new List<int>();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (var item in news.WithCancellation(patience.Token))
        {
            seen.Add((int)item.State.LostLogicalRankSteps);
            if (seen[^1] == last)
            {
                break;
            }
        }

        return seen;
    }
}
