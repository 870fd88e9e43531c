using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>One thing that brings a run nearer to its share.</summary>
/// <param name="Passes">Runs that wait in front of it and can have fewer workers because of it; they are told first.</param>
public readonly record struct ScheduleMove(RunId Run, RunEvent Event, ImmutableArray<RunId> Passes);

/// <summary>What is to be done next so that every run has its share. A worker that leaves one run comes back to the pool first, and is offered from there.</summary>
public static class ScheduleRule
{
    /// <returns>Null: nothing, until something changes.</returns>
    public static ScheduleMove? Next(ClusterState state)
    {
        if (state.Runs.All(run => run.Phase is RunPhase.Ended))
        {
            return null;
        }

        var pool = Pool.Of(state);
        for (var i = 0; i < pool.Runs.Length; i++)
        {
            if (Next(state, pool, i) is { } @event)
            {
                var isStart = @event is RunEvent.FormationDecided { Decision.IsFormed: true };
                return new ScheduleMove(pool.Runs[i].Id, @event, isStart ? [.. pool.Shares[i].Passes.Select(passed => pool.Runs[passed].Id)] : []);
            }
        }

        return null;
    }

    private static RunEvent? Next(ClusterState state, Pool pool, int i)
    {
        var (run, share) = (pool.Runs[i], pool.Shares[i]);
        return run.Phase switch
        {
            RunPhase.Queued queued when share.Outcome != ShareOutcome.Behind => Form(state, pool, i, queued),
            RunPhase.Running or RunPhase.Regrouping when pool.SurplusOf(i) is { IsEmpty: false } surplus => new RunEvent.ShareLowered(surplus, WhyLower(pool, i, surplus.Length)),
            RunPhase.Running or RunPhase.Regrouping or RunPhase.Paused when KeepSome(state, pool, i) is { IsEmpty: false } kept => new RunEvent.LeaversKept(kept),
            RunPhase.Running or RunPhase.Paused => Join(state, pool, i),
            _ => null,
        };
    }

    private static RunEvent.FormationDecided? Form(ClusterState state, Pool pool, int i, RunPhase.Queued queued)
    {
        var (run, share) = (pool.Runs[i], pool.Shares[i]);

        // A run that has trained goes on with the numerics that it had.
        var wanted = run.Order.Job.Workers with { Desired = run.Scale.Desired, Isa = run.Agreement?.Isa ?? run.Order.Job.Workers.Isa };

        // Nobody waits for workers that others have, and everybody for those that are still to attach.
        var goal = share.Fit >= wanted.Desired ? Math.Min(wanted.Desired, share.Total) : wanted.Desired;
        var asked = new FormationOrder(wanted, run.Refused, run.Order.Launcher, share.Total, goal, queued.IsGraceOver);

        // Most looks find that the run waits on: who the idle ones are matters when it starts, or refuses somebody.
        var decision = FormationRule.Wait(asked, pool.IdleFor(i))
            ?? FormationRule.Decide(asked, Free(state, run.Id).Where(candidate => FitRule.HasWhatItNeeds(run, candidate)), pool.RoomOf(i));

        // Nothing comes of it. What a former coordinator had stored may be the same sentence, and its wait for more workers was lost with it.
        var isKnown = decision.Reason == run.Reason && !decision.IsFormed && decision.Refusals.IsEmpty && (queued.IsGraceRunning || !decision.HasEnough);
        return isKnown ? null : new RunEvent.FormationDecided(decision);
    }

    private static RunEvent.WorkersOffered? Join(ClusterState state, Pool pool, int i)
    {
        if (!pool.HasIdle)
        {
            return null;
        }

        var decision = JoinRule.Decide(pool.Runs[i], Free(state, pool.Runs[i].Id), pool.RoomOf(i), pool.ExchangedBy(i));
        return decision.IsNothing ? null : new RunEvent.WorkersOffered(decision);
    }

    /// <summary>Members that were to leave for others and are within the run's share again.</summary>
    private static ImmutableArray<WorkerId> KeepSome(ClusterState state, Pool pool, int i)
    {
        var (room, left) = (pool.RoomOf(i), Math.Max(0, pool.Shares[i].Total - pool.Claims[i].HeldCount));
        return [.. Sharing.MayKeep(pool.Runs[i]).Where(worker => left > 0 && state.Workers.TryGetValue(worker, out var candidate) && room(candidate)).Take(left)];
    }

    private static IEnumerable<Candidate> Free(ClusterState state, RunId run) =>
        state.Workers.Values.Where(candidate => !candidate.IsLeaving && !state.Serving.ContainsKey(candidate.Worker) && JoinGrantRule.MayServe(candidate, run));

    private static string WhyLower(Pool pool, int i, int surplus)
    {
        var (run, claim, left) = (pool.Runs[i], pool.Claims[i], pool.Claims[i].HeldCount - surplus);
        return claim.HeldCount > claim.Limit ? $"Run {run.Id} wants {claim.Limit} workers at most; it had {claim.HeldCount}."
            : $"Run {run.Id} goes from {claim.HeldCount} to {left} workers, for {pool.Runs.Length} runs share {pool.WorkerCount}.";
    }
}
