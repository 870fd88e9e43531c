using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Ownership;
using Orchestrator.Core.Identities;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Tests.Ownership;

/// <summary>The owner prunes the store from time to time, and stops when another owns the runs.</summary>
public sealed class HistoryKeeperTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly RunId Run = new("old");

    private readonly string _folder = Directory.CreateTempSubdirectory("history-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_ForAnHourAndUntilAnotherOwnsTheRuns_PrunesAndReturns()
    {
        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(Path.Combine(_folder, "store.db")));
        var lease = await TakeAsync(store, "c-1");
        await store.Runs.WriteAsync(lease, [new RunChange
        {
            Run = Run, Version = 1, Order = "{}", State = "succeeded", IsEnded = true, Generation = new Generation(1), Snapshot = "{}",
            Events = [new("a", "1"), new("b", "2")], Samples = [new StepSample(1, new Generation(1), 1, null, null, null, null)],
        }]);
        var (log, time) = (new HeardLog(), new HurriedTime());

        var keeping = new HistoryKeeper(store, new HistoryBounds { Kept = TimeSpan.FromDays(-1) }, log, time).RunAsync(lease, CancellationToken.None);
        Assert.Equal("2 events and 1 samples were taken out of the store: those of runs that ended more than -1 days ago, and what was too much of one run", await log.First.WaitAsync(Patience));
        await store.Leases.GiveUpAsync(lease);
        await TakeAsync(store, "c-2");

        await keeping.WaitAsync(Patience);
        Assert.Empty(await store.Runs.EventsAsync(Run, 0, 10));
        Assert.NotNull(await store.Runs.FindAsync(Run));
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)], time.Waits.Take(3));
    }

    [Fact]
    public async Task Run_Cancelled_Returns()
    {
        await using var store = await RelationalStore.OpenAsync(StoreAddress.SqliteFile(Path.Combine(_folder, "store.db")));
        var lease = await TakeAsync(store, "c-1");
        using var ending = new CancellationTokenSource();

        var keeping = new HistoryKeeper(store, new HistoryBounds(), new HeardLog(), TimeProvider.System).RunAsync(lease, ending.Token);
        await ending.CancelAsync();

        await keeping.WaitAsync(Patience);
    }

    private static async Task<Storage.Relational.Ownership> TakeAsync(RelationalStore store, string owner) =>
        (await store.Leases.TakeAsync("runs", owner, "host:1", TimeSpan.FromMinutes(30))).Present!.Ownership;

    /// <summary>Keeps the first line.</summary>
    private sealed class HeardLog : ILogger
    {
        private readonly TaskCompletionSource<string> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<string> First => _first.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _first.TrySetResult(formatter(state, exception));
    }

    /// <summary>Every wait is over in ten milliseconds.</summary>
    private sealed class HurriedTime : TimeProvider
    {
        public System.Collections.Concurrent.ConcurrentQueue<TimeSpan> Waits { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Waits.Enqueue(dueTime);
            return base.CreateTimer(callback, state, TimeSpan.FromMilliseconds(10), period);
        }
    }
}
