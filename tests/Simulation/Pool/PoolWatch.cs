using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Simulation.Pool;

/// <summary>Looks at a coordinator's state after every event: what must always hold of runs that share workers, and what must hold when nothing is under way. It counts for itself and asks no rule of the product.</summary>
internal sealed class PoolWatch(PoolPlan plan)
{
    /// <summary>Nothing was under way for so long: what could have moved would have.</summary>
    private const long QuietMicros = 300_000;

    private readonly Dictionary<WorkerId, RunId> _served = [];
    private readonly Dictionary<RunId, PoolJob> _jobs = plan.Jobs.ToDictionary(job => job.Run);
    private ClusterState? _last;
    private long? _quietSince;

    public int QuietMoments { get; private set; }

    public int Moves { get; private set; }

    /// <summary>Workers that are frozen now, and slow networks: nothing is quiet.</summary>
    public int Disturbances { get; set; }

    public string? WhyNot(ClusterState state, long micros)
    {
        if (ReferenceEquals(state, _last))
        {
            return null;
        }

        var isMoved = _last is null || !ReferenceEquals(state.Workers, _last.Workers) || !ReferenceEquals(state.Serving, _last.Serving);
        _last = state;
        var live = state.Runs.Where(run => run.Phase is not RunPhase.Ended).ToList();
        if ((isMoved ? WhyServedWrongly(state, live) : null) is { } wrong)
        {
            return wrong;
        }

        if (live.FirstOrDefault(run => run.SuspendReason is not null && plan.Faults.All(fault => fault.Kind != PoolFaultKind.Leave)) is { } suspended)
        {
            return $"{suspended.Id} was stopped to make room: {suspended.SuspendReason}";
        }

        if (isMoved || Disturbances > 0 || !IsQuiet(state, live))
        {
            _quietSince = null;
            return null;
        }

        _quietSince ??= micros;
        if (micros - _quietSince < QuietMicros)
        {
            return null;
        }

        QuietMoments++;
        return WhyUnfair(state, live);
    }

    private string? WhyServedWrongly(ClusterState state, List<RunState> live)
    {
        var serving = new Dictionary<WorkerId, RunId>();
        foreach (var run in live)
        {
            foreach (var worker in run.Members)
            {
                if (!serving.TryAdd(worker, run.Id))
                {
                    return $"{worker} serves {run.Id} and {serving[worker]}";
                }

                if (!state.Serving.TryGetValue(worker, out var known) || known != run.Id)
                {
                    return $"{worker} serves {run.Id}, and the coordinator takes what it says for that of {known}";
                }

                if (_served.TryGetValue(worker, out var former) && former != run.Id && live.Any(each => each.Id == former))
                {
                    Moves++;
                }

                _served[worker] = run.Id;
            }
        }

        return state.Serving.Count == serving.Count ? null : $"{state.Serving.Count} workers are busy, and {serving.Count} serve a run";
    }

    private static bool IsQuiet(ClusterState state, List<RunState> live) => state.Workers.Values.All(candidate => !candidate.IsLeaving) && live.All(run => run.Phase switch
    {
        RunPhase.Running { Change: null, Finished.IsEmpty: true, IsEnding: false } running => run.Joiners.IsEmpty && run.Leavers.IsEmpty && !running.Entering.Any(running.Crew.Members.ContainsKey),
        // Within its grace period a run waits for workers that are still to attach.
        RunPhase.Queued queued => !queued.IsGraceRunning || queued.IsGraceOver,
        _ => false,
    }) && live.All(run => run.Refused.Keys.All(worker => !state.Workers.ContainsKey(worker)));

    private string? WhyUnfair(ClusterState state, List<RunState> live)
    {
        var free = state.Workers.Count - state.Serving.Count;
        var running = live.Where(run => run.Phase is RunPhase.Running).ToList();
        var shares = string.Join(", ", live.Select(run => $"{run.Id} ({_jobs[run.Id].Min}-{run.Scale.Desired}-{run.Scale.Limit}, priority {_jobs[run.Id].Priority}) has {run.Members.Count()}"));
        foreach (var run in running)
        {
            var count = run.Members.Count();
            if (count < _jobs[run.Id].Min || (count > run.Scale.Limit && count > _jobs[run.Id].Min) || (free > 0 && count < run.Scale.Limit))
            {
                return $"{run.Id} has {count} workers while {free} are free: {shares}";
            }

            foreach (var other in running.Where(other => IsUnfair(run, other)))
            {
                return $"{other.Id} has too few beside {run.Id}: {shares}";
            }
        }

        // Who comes first in the queue could have what the others may not keep.
        var first = live.Where(run => run.Phase is RunPhase.Queued && _jobs[run.Id].Min <= state.Workers.Count).OrderByDescending(run => _jobs[run.Id].Priority).FirstOrDefault();
        var room = first is null ? 0 : free + running.Sum(run => Math.Max(
            0, run.Members.Count() - (_jobs[run.Id].Priority > _jobs[first.Id].Priority ? Math.Max(_jobs[run.Id].Min, run.Scale.Desired) : _jobs[run.Id].Min)));
        return first is not null && room >= _jobs[first.Id].Min ? $"{first.Id} waits although {room} workers could be had for it: {shares}" : null;
    }

    /// <summary>The first has more than its least and what the second should have.</summary>
    private bool IsUnfair(RunState one, RunState other)
    {
        var (mine, its) = (one.Members.Count(), other.Members.Count());
        if (mine <= _jobs[one.Id].Min || its >= other.Scale.Limit)
        {
            return false;
        }

        var (upper, lower) = (_jobs[one.Id].Priority, _jobs[other.Id].Priority);
        return upper == lower ? mine > its + 1 && (its < other.Scale.Desired || mine > one.Scale.Desired)
            : upper < lower && (its < other.Scale.Desired || mine > one.Scale.Desired);
    }
}
