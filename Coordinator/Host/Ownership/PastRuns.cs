using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>A run that had ended when this owner came.</summary>
/// <param name="Run">Its id.</param>
/// <param name="RunDir">Absolute.</param>
/// <param name="Events">How many the store has counted.</param>
internal sealed record PastRun(RunId Run, string RunDir, long Events);

/// <summary>Completes the events.jsonl of runs that ended under a former owner, which may have died between the store and the file. Nobody waits for it.</summary>
internal static class PastRuns
{
    /// <summary>So many events are asked for at a time.</summary>
    private const int AtOnce = 10_000;

    /// <param name="store">Has the events.</param>
    /// <param name="runs">The last that ended.</param>
    /// <param name="mayWrite">Whether this coordinator owns the runs still.</param>
    /// <param name="log">Told of folders that cannot be written.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task CompleteAsync(RelationalStore store, ImmutableArray<PastRun> runs, Func<bool> mayWrite, ILogger log, CancellationToken cancellation)
    {
        foreach (var run in runs.Where(_ => mayWrite()))
        {
            try
            {
                cancellation.ThrowIfCancellationRequested();
                if (RunFolder.IsUsed(run.RunDir) && LacksSome(run))
                {
                    RunFolder.Complete(run.RunDir, await ReadAsync(store, run.Run, cancellation).ConfigureAwait(false), mayWrite);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreException)
            {
                Log.RunFolderProblem(log, run.Run.Value, $"Its events.jsonl in {run.RunDir} lacks events that the store has, and could not be completed: {e.Message} The next owner tries it again.");
            }
        }
    }

    /// <summary>Whether the file has fewer lines than the store has counted events.</summary>
    public static bool LacksSome(PastRun run) => MissedEvents.CountLines(Path.Combine(run.RunDir, RunFolder.EventsFile)) < run.Events;

    /// <summary>All events that the store has of a run, or its last ones: the first may have been pruned.</summary>
    public static async Task<IReadOnlyList<string>> ReadAsync(RelationalStore store, RunId run, CancellationToken cancellation = default)
    {
        var (lines, after) = (new List<string>(), 0L);
        while (await store.Runs.EventsAsync(run, after, AtOnce, cancellation).ConfigureAwait(false) is { Count: > 0 } events)
        {
            lines.AddRange(events.Select(each => each.Line));
            after = events[^1].Sequence;
        }

        return lines;
    }
}
