using Microsoft.Extensions.Logging;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>Prunes the history of runs from time to time, for as long as this coordinator owns them.</summary>
/// <param name="store">Outlives this.</param>
/// <param name="bounds">What is kept.</param>
/// <param name="log">Told what was taken away.</param>
/// <param name="time">For the intervals.</param>
internal sealed class HistoryKeeper(RelationalStore store, HistoryBounds bounds, ILogger log, TimeProvider time)
{
    /// <summary>A new owner has other things to do first.</summary>
    private static readonly TimeSpan FirstAfter = TimeSpan.FromMinutes(1);

    /// <summary>A run adds at most 3,600 samples in it, so what is too much stays little.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>Between two transactions of one turn: the owner's own writes come between them.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <returns>When it is cancelled, or another owns the runs.</returns>
    public async Task RunAsync(Storage.Relational.Ownership ownership, CancellationToken cancellation)
    {
        try
        {
            for (var wait = FirstAfter; ; wait = Interval)
            {
                await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
                if (!await PruneAsync(ownership, cancellation).ConfigureAwait(false))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    /// <summary>One turn.</summary>
    /// <returns>False: another owns the runs.</returns>
    private async Task<bool> PruneAsync(Storage.Relational.Ownership ownership, CancellationToken cancellation)
    {
        var (events, samples) = (0L, 0L);
        try
        {
            while (await store.History.PruneAsync(ownership, bounds, cancellation).ConfigureAwait(false) is { } pruned)
            {
                if (pruned.IsNothing)
                {
                    if (events + samples > 0)
                    {
                        Log.Pruned(log, events, samples, bounds.Kept.TotalDays);
                    }

                    return true;
                }

                (events, samples) = (events + pruned.Events, samples + pruned.Samples);
                await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
            }

            return false;
        }
        catch (StoreException e)
        {
            // The next turn takes it away.
            Log.NotPruned(log, e.Message);
            return true;
        }
    }
}
