using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Simulation.Pool;

/// <summary>Looks at a coordinator's state after every event: what must always hold of runs that share workers, and what must hold when nothing is under way. It counts for itself and asks no rule of the product.</summary>
internal sealed class PoolWatch(PoolPlan plan)
{
    /// <summary>Nothing was under way for so long: what could have moved would have.</summary>
    private const long QuietMicros = 300_000;

    /// <summary>The name of the label that tells workers apart.</summary>
    public const string Zone = "zone";

    /// <summary>So many runs behind one that waits may start before it.</summary>
    private const int MostPasses = 4;

    private readonly Dictionary<RunId, List<RunId>> _passed = [];
    private readonly Dictionary<WorkerId, RunId> _served = [];
    private readonly Dictionary<RunId, PoolJob> _jobs = plan.Jobs.ToDictionary(job => job.Run);
    private readonly HashSet<RunId> _waiting = [];
    private readonly List<RunId> _submitted = [];
    private readonly Dictionary<string, Drained> _drained = [];
    private readonly Dictionary<string, RunId> _ranIn = [];
    private ClusterState? _last;
    private long _term;
    private long? _quietSince;

    public int QuietMoments { get; private set; }

    public int Moves { get; private set; }

    /// <summary>Runs that started before others which waited in front of them and could have had their least of the whole pool.</summary>
    public int Passes { get; private set; }

    /// <summary>Workers that are frozen now, and slow networks: nothing is quiet.</summary>
    public int Disturbances { get; set; }

    /// <summary>How often a worker that was drained was attached to a later owner than the one that answered.</summary>
    public int DrainedOverTerms { get; private set; }

    /// <summary>Runs that had never trained when another owner took them over, and trained under that one or a later one.</summary>
    public int QueuedOverTerms { get; private set; }

    /// <summary>A person was told that a worker's process is drained.</summary>
    public void Drain(string instance) => _drained[instance] = new Drained { Run = _ranIn.TryGetValue(instance, out var run) ? run : null, Terms = { _term } };

    /// <summary>A person wants it back.</summary>
    public void TakeBack(string instance) => _drained.Remove(instance);

    /// <param name="now">Null: nobody owns the runs.</param>
    /// <param name="term">Of the ownership.</param>
    /// <param name="micros">Virtual time.</param>
    /// <param name="stored">Runs as the store has them, in the order of submission; null: there is no store.</param>
    public string? WhyNot(ClusterState? now, long term, long micros, IEnumerable<RunId>? stored)
    {
        if (now is not { } state)
        {
            _quietSince = null;
            return null;
        }

        if (ReferenceEquals(state, _last))
        {
            return null;
        }

        Follow(state, term);
        _submitted.AddRange((stored ?? state.Runs.Select(run => run.Id)).Where(run => !_submitted.Contains(run)));
        var isMoved = _last is null || !ReferenceEquals(state.Workers, _last.Workers) || !ReferenceEquals(state.Serving, _last.Serving);
        if (WhyPassed(state) is { } passed)
        {
            return passed;
        }

        _last = state;
        var live = state.Runs.Where(run => run.Phase is not RunPhase.Ended).ToList();
        if ((isMoved ? WhyServedWrongly(state, live) : null) is { } wrong)
        {
            return wrong;
        }

        if ((isMoved ? WhyTakenThoughDrained(state) : null) is { } taken)
        {
            return taken;
        }

        if (live.FirstOrDefault(run => run.SuspendReason is not null && plan.Faults.All(fault => fault.Kind is not (PoolFaultKind.Leave or PoolFaultKind.Drain))) is { } suspended)
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

    /// <summary>Runs that wait while owners change.</summary>
    private void Follow(ClusterState state, long term)
    {
        if (term != _term)
        {
            // The first owner finds nothing.
            (_term, _quietSince, _last) = (term, null, null);
            _waiting.UnionWith(state.Runs.Where(run => run.FormedGenerations == 0 && run.Phase is not RunPhase.Ended).Select(run => run.Id));
            foreach (var passed in _passed.Values)
            {
                // The former owner decided that they start, and that came to nothing.
                passed.RemoveAll(run => state.Find(run)?.Phase is RunPhase.Queued);
            }
        }

        foreach (var run in state.Runs)
        {
            if (run.Phase is RunPhase.Running && _waiting.Remove(run.Id))
            {
                QueuedOverTerms++;
            }
        }
    }

    /// <summary>Runs that wait are passed a few times at most, and by runs of their own priority. Where workers differ, whoever cannot use what others start on is not passed.</summary>
    private string? WhyPassed(ClusterState state)
    {
        var starting = state.Runs.Where(run => run.Phase is RunPhase.Preparing && _last?.Find(run.Id) is null or { Phase: RunPhase.Queued }).ToList();
        if (_last is null || starting.Count == 0 || plan.Jobs.Any(job => job.Zone is not null) || state.Runs.Any(run => !run.Refused.IsEmpty))
        {
            return null;
        }

        // What the others keep whatever comes: a run that could have its least of the rest only waits for workers to leave the others.
        var count = CountOf(state);
        var rest = count - state.Runs.Where(run => IsKeeping(run) && !starting.Contains(run)).Sum(run => Math.Min(run.Staying.Count(), _jobs[run.Id].Min));
        var waiting = state.Runs.Where(run => run.Phase is RunPhase.Queued && _last.Find(run.Id)?.Phase is RunPhase.Queued && _jobs[run.Id].Min <= count && _jobs[run.Id].Min > rest);
        foreach (var run in waiting)
        {
            foreach (var started in starting.Where(other => IsBefore(run, other)))
            {
                Passes++;
                var passed = _passed.TryGetValue(run.Id, out var known) ? known : _passed[run.Id] = [];
                passed.Add(started.Id);
                if (passed.Count > MostPasses || _jobs[run.Id].Priority > _jobs[started.Id].Priority)
                {
                    return $"{started.Id} (priority {_jobs[started.Id].Priority}) starts before {run.Id} (priority {_jobs[run.Id].Priority}), which {passed.Count} have passed";
                }
            }
        }

        return null;
    }

    private static bool IsKeeping(RunState run) =>
        run.Phase is RunPhase.Preparing or RunPhase.Running { Finished.IsEmpty: true } or RunPhase.Regrouping { Finished.IsEmpty: true } or RunPhase.Paused or RunPhase.Reviving && run.SuspendReason is null;

    private bool IsBefore(RunState one, RunState other) => _jobs[one.Id].Priority > _jobs[other.Id].Priority
        || (_jobs[one.Id].Priority == _jobs[other.Id].Priority && PlaceOf(one) < PlaceOf(other));

    /// <summary>In the order of submission.</summary>
    private int PlaceOf(RunState run) => _submitted.IndexOf(run.Id) is >= 0 and var place ? place : int.MaxValue;

    /// <summary>Workers that stay, and those that are to come back to a new owner.</summary>
    private static int CountOf(ClusterState state) => state.Workers.Values.Count(candidate => !candidate.IsLeaving)
        + state.Runs.Sum(run => run.Phase is RunPhase.Reviving reviving ? reviving.Crew.Members.Keys.Count(worker => !reviving.Back.ContainsKey(worker)) : 0);

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

                if (state.Workers.ContainsKey(worker) && !IsFit(state, worker, run))
                {
                    return $"{worker} serves {run.Id}, which asks for workers of {_jobs[run.Id].Zone}";
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

    /// <summary>Whoever is drained may finish what it is at, for the run that it served then, and nothing else.</summary>
    private string? WhyTakenThoughDrained(ClusterState state)
    {
        foreach (var candidate in state.Workers.Values)
        {
            var run = state.RunOf(candidate.Worker);
            if (!_drained.TryGetValue(candidate.Hello.Instance, out var drained))
            {
                if (run is not null)
                {
                    _ranIn[candidate.Hello.Instance] = run.Id;
                }

                continue;
            }

            DrainedOverTerms += drained.Terms.Add(_term) ? 1 : 0;
            if (run is null)
            {
                // What the next owner finds may be of a time before that. A process may have attached again before its former stream is lost.
                var isServing = state.Workers.Values.Any(other => other.Hello.Instance == candidate.Hello.Instance && state.RunOf(other.Worker) is not null);
                drained.FreeUnder = isServing ? drained.FreeUnder : _term;
            }
            else if (run.Id != drained.Run || drained.FreeUnder == _term)
            {
                return $"{candidate.Worker} ({candidate.Hello.Instance}) is drained and was given to {run.Id}";
            }
        }

        return null;
    }

    private bool IsDrained(ClusterState state, WorkerId worker) => _drained.Count > 0 && state.Workers.GetValueOrDefault(worker) is { } candidate && _drained.ContainsKey(candidate.Hello.Instance);

    private static bool IsQuiet(ClusterState state, List<RunState> live) => state.Workers.Values.All(candidate => !candidate.IsEnding) && live.All(run => run.Phase switch
    {
        RunPhase.Running { Change: null, Finished.IsEmpty: true, IsEnding: false } running => run.Joiners.IsEmpty && run.Leavers.IsEmpty && !running.Entering.Any(running.Crew.Members.ContainsKey),
        // Within its grace period a run waits for workers that are still to attach.
        RunPhase.Queued queued => !queued.IsGraceRunning || queued.IsGraceOver,
        _ => false,
    }) && live.All(run => run.Refused.Keys.All(worker => !state.Workers.ContainsKey(worker)));

    private string? WhyUnfair(ClusterState state, List<RunState> live)
    {
        if (state.Workers.Keys.FirstOrDefault(worker => IsDrained(state, worker) && state.RunOf(worker) is not null) is { Value: not null } staying)
        {
            return $"{staying} is drained and stays in {state.RunOf(staying)!.Id}";
        }

        var usable = state.Workers.Keys.Where(worker => !IsDrained(state, worker)).ToList();
        var free = usable.Where(worker => !state.Serving.ContainsKey(worker)).ToList();
        var running = live.Where(run => run.Phase is RunPhase.Running).ToList();
        var shares = string.Join(", ", live.Select(run => $"{run.Id} ({_jobs[run.Id].Min}-{run.Scale.Desired}-{run.Scale.Limit}, priority {_jobs[run.Id].Priority}, {_jobs[run.Id].Zone ?? "any zone"}) has {run.Members.Count()}"));
        foreach (var run in running)
        {
            var (count, fitting) = (run.Members.Count(), free.Count(worker => IsFit(state, worker, run)));
            if (count < _jobs[run.Id].Min || (count > run.Scale.Limit && count > _jobs[run.Id].Min) || (fitting > 0 && count < run.Scale.Limit))
            {
                return $"{run.Id} has {count} workers while {fitting} are free: {shares}";
            }

            foreach (var other in running.Where(other => IsUnfair(run, other) && run.Members.Any(worker => IsFit(state, worker, other))))
            {
                return $"{other.Id} has too few beside {run.Id}: {shares}";
            }
        }

        // Who comes first in the queue could have what the others may not keep. Workers that could be exchanged besides are not looked for.
        var first = live.Where(run => run.Phase is RunPhase.Queued && _jobs[run.Id].Min <= usable.Count(worker => IsFit(state, worker, run)))
            .OrderByDescending(run => _jobs[run.Id].Priority).ThenBy(PlaceOf).FirstOrDefault();
        var room = first is null ? 0 : free.Count(worker => IsFit(state, worker, first)) + running.Sum(run => Math.Min(
            run.Members.Count(worker => IsFit(state, worker, first)),
            Math.Max(0, run.Members.Count() - (_jobs[run.Id].Priority > _jobs[first.Id].Priority ? Math.Max(_jobs[run.Id].Min, run.Scale.Desired) : _jobs[run.Id].Min))));
        return first is not null && room >= _jobs[first.Id].Min ? $"{first.Id} waits although {room} workers could be had for it: {shares}" : null;
    }

    private bool IsFit(ClusterState state, WorkerId worker, RunState run) =>
        _jobs[run.Id].Zone is not { } zone || state.Workers.GetValueOrDefault(worker)?.Hello.Labels.GetValueOrDefault(Zone) == zone;

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

    /// <summary>A worker's process that a person drained.</summary>
    private sealed class Drained
    {
        /// <summary>Which it had served last when the person was told; null: none.</summary>
        public RunId? Run { get; init; }

        /// <summary>It served none under the owner of this term.</summary>
        public long? FreeUnder { get; set; }

        /// <summary>Under which it was attached.</summary>
        public HashSet<long> Terms { get; } = [];
    }
}
