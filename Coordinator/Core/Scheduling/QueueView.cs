using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>A run that waits for workers.</summary>
/// <param name="Place">In the queue, from 1.</param>
/// <param name="Missing">Workers that it cannot have now.</param>
/// <param name="Needed">It starts with so many or not at all.</param>
/// <param name="Why">In a sentence, with numbers.</param>
public sealed record QueueEntry(int Place, int Missing, int Needed, string Why);

/// <summary>Who waits, in which order, and for what: told to people, and no ground for a decision.</summary>
public static class QueueView
{
    /// <summary>Of all runs that wait.</summary>
    public static ImmutableDictionary<RunId, QueueEntry> Of(ClusterState state)
    {
        var entries = ImmutableDictionary.CreateBuilder<RunId, QueueEntry>();
        if (!state.Runs.Any(run => run.Phase is RunPhase.Queued))
        {
            return entries.ToImmutable();
        }

        var pool = Pool.Of(state);
        var free = state.Workers.Values.Where(candidate => !candidate.IsLeaving && !state.Serving.ContainsKey(candidate.Worker)).ToList();
        RunId? next = null;
        for (var i = 0; i < pool.Runs.Length; i++)
        {
            if (pool.Runs[i].Phase is RunPhase.Queued)
            {
                next ??= pool.Shares[i].Outcome == ShareOutcome.Next ? pool.Runs[i].Id : null;
                var entry = Explain(pool, i, free.Count(candidate => FitRule.IsFit(pool.Runs[i], candidate)), next, state);
                entries.Add(pool.Runs[i].Id, entry with { Place = entries.Count + 1 });
            }
        }

        return entries.ToImmutable();
    }

    private static QueueEntry Explain(Pool pool, int i, int free, RunId? next, ClusterState state)
    {
        var (run, share, needed) = (pool.Runs[i], pool.Shares[i], pool.Claims[i].Min);
        var missing = share.Outcome switch
        {
            ShareOutcome.TooLarge => needed - share.Fit,
            ShareOutcome.Admitted => Math.Max(0, needed - free),
            _ => Math.Clamp(needed - (share.Fit - Kept(pool, i)), 0, needed),
        };
        var what = $"It waits for {missing} of {needed} {(needed == 1 ? "worker" : "workers")}";
        var before = missing == 0 ? $"Run {next} comes before it." : $"{what}, and run {next} comes before it.";
        return new QueueEntry(0, missing, needed, share.Outcome switch
        {
            ShareOutcome.TooLarge => $"{what}: of the {pool.WorkerCount} that are attached it could use {share.Fit}.{ExplainLabels(run, needed, state)} Runs behind it do not wait for it.",
            ShareOutcome.Next => $"{what}, which the other runs keep. It comes next{(run.Passed > 0 ? $"; {run.Passed} of at most {PassRule.Most} runs behind it have started before it" : "")}.",
            ShareOutcome.Behind => before,
            _ when missing > 0 => $"{what}, which other runs give up behind a step.",
            _ => run.Reason,
        });
    }

    /// <summary>What is to be done so that it can start, when labels are why it cannot; empty: they are not.</summary>
    private static string ExplainLabels(RunState run, int needed, ClusterState state)
    {
        var asked = run.Order.Job.Workers.Labels;
        var have = asked.IsEmpty ? 0 : state.Workers.Values.Count(candidate => FitRule.HasLabels(run, candidate));
        return asked.IsEmpty || have >= needed ? ""
            : $" It asks for the labels {LabelRule.TextOf(asked)}, which {have} {(have == 1 ? "has" : "have")}: start workers with {string.Join(' ', asked.Select(label => $"--label {label.Key}={label.Value}"))}.";
    }

    /// <summary>Workers that the other runs have, or get, and do not give up for it: their least, and those of a higher priority what they desire.</summary>
    private static int Kept(Pool pool, int i) => pool.Claims.Select((claim, other) => other == i || pool.Shares[other].Outcome != ShareOutcome.Admitted ? 0
        : Math.Min(pool.Shares[other].Total, claim.Priority > pool.Claims[i].Priority ? claim.Desired : claim.Min)).Sum();
}
