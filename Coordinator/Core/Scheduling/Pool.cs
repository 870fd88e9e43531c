using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>The workers of a coordinator and the runs that want them, and what each run shall have.</summary>
/// <remarks>
/// Runs that end, fail or are saved want nobody any more; who serves them counts as free, for it soon is. Members of a run whose coordinator was lost count as if
/// they were there. Workers that leave count for nobody.
/// </remarks>
public sealed class Pool
{
    private readonly ImmutableArray<KindCount> _kinds;
    private readonly HashSet<WorkerId> _refused = [];

    private Pool(ClusterState state)
    {
        Runs = QueueOrder.Of(state.Runs.Where(IsWanting));
        foreach (var run in Runs)
        {
            _refused.UnionWith(run.Refused.Keys);
        }

        _kinds = state.Kinds.SetApart(_refused, Runs.SelectMany(Awaited));
        var claims = Runs.Select(run => ClaimOf(run, state)).ToImmutableArray();
        Shares = ShareRule.Decide(
            claims, [.. _kinds.Select((kind, k) => new WorkerKind(kind.Count, [.. Runs.Select((run, i) => FitRule.IsFit(run, kind.First) || claims[i].Held[k] > 0)]))],
            isWhole: !state.Runs.Any(run => run.Phase is RunPhase.Reviving));
        (Claims, WorkerCount) = (claims, _kinds.Sum(kind => kind.Count));
    }

    /// <summary>Workers of the pool, busy or free, that are not about to leave it.</summary>
    public int WorkerCount { get; }

    /// <summary>Those that want workers, in the order of the queue.</summary>
    public ImmutableArray<RunState> Runs { get; }

    public ImmutableArray<ShareClaim> Claims { get; }

    /// <summary>For each run, in the same order.</summary>
    public ImmutableArray<Share> Shares { get; }

    public static Pool Of(ClusterState state) => new(state);

    /// <summary>Somebody attached serves no run, and is not about to leave.</summary>
    public bool HasIdle => _kinds.Any(kind => kind.Idle > 0);

    /// <summary>Idle workers that a run which waits may have as far as device, labels and token are concerned, kind by kind.</summary>
    public IEnumerable<IdleKind> IdleFor(int run)
    {
        for (var kind = 0; kind < _kinds.Length; kind++)
        {
            var (example, idle) = (_kinds[kind].First, _kinds[kind].Idle);
            if (idle > 0 && JoinGrantRule.MayServe(example, Runs[run].Id) && FitRule.HasWhatItNeeds(Runs[run], example))
            {
                yield return new IdleKind(example, idle, Math.Max(0, Shares[run].OfKind[kind] - Claims[run].Held[kind]));
            }
        }
    }

    /// <summary>Takes the workers that a run may have beyond those that it holds, kind by kind; false for the others. Each call that says true uses one up.</summary>
    public Func<Candidate, bool> RoomOf(int run)
    {
        var room = Shares[run].OfKind.Select((count, kind) => count - Claims[run].Held[kind]).ToArray();
        return candidate => KindOf(candidate) is >= 0 and var kind && room[kind]-- > 0;
    }

    /// <summary>Workers that a run keeps only until it has others in their place: of kinds of which it has more than its share.</summary>
    public int ExchangedBy(int run) => Shares[run].OfKind.Select((count, kind) => Math.Max(0, Claims[run].Held[kind] - count)).Sum();

    /// <summary>Who shall leave a run that has more than its share: of each kind the newest, and first those that are not in yet. Never below its least.</summary>
    public ImmutableArray<WorkerId> SurplusOf(int run)
    {
        var (state, claim, share) = (Runs[run], Claims[run], Shares[run]);
        var spare = claim.HeldCount - claim.Min;
        if (spare <= 0 || state.Crew is not { } crew)
        {
            return [];
        }

        var surplus = share.OfKind.Select((count, kind) => claim.Held[kind] - count).ToArray();
        if (surplus.All(count => count <= 0))
        {
            return [];
        }

        return
        [
            .. state.Staying.OrderBy(worker => crew.Members.ContainsKey(worker)).ThenByDescending(worker => worker)
                .Where(worker => (crew.Members.GetValueOrDefault(worker) ?? state.Joiners.GetValueOrDefault(worker)?.Candidate) is { } candidate
                    && KindOf(candidate) is >= 0 and var kind && surplus[kind]-- > 0)
                .Take(spare),
        ];
    }

    private static bool IsWanting(RunState run) =>
        run.Phase is RunPhase.Queued or RunPhase.Preparing or RunPhase.Running { Finished.IsEmpty: true } or RunPhase.Regrouping { Finished.IsEmpty: true } or RunPhase.Paused or RunPhase.Reviving
        && !Ending.IsWanted(run);

    /// <summary>Members that are to come back to their new coordinator.</summary>
    private static IEnumerable<Candidate> Awaited(RunState run) => run.Phase is RunPhase.Reviving reviving
        ? reviving.Crew.Members.Values.Where(member => !reviving.Back.ContainsKey(member.Worker)) : [];

    private ShareClaim ClaimOf(RunState run, ClusterState state)
    {
        var held = new int[_kinds.Length];
        foreach (var worker in run.Staying)
        {
            if (state.Workers.GetValueOrDefault(worker) is { IsLeaving: false } candidate)
            {
                held[KindOf(candidate)]++;
            }
        }

        foreach (var candidate in Awaited(run))
        {
            held[KindOf(candidate)]++;
        }

        var workers = run.Order.Job.Workers;
        return new ShareClaim(run.Order.Job.Priority, workers.Min, run.Scale.Desired, run.Scale.Limit, run.Phase is not RunPhase.Queued, [.. held]) { PassesLeft = run.Phase is RunPhase.Queued ? PassRule.LeftTo(run) : 0 };
    }

    private int KindOf(Candidate candidate)
    {
        var key = KindKey.Of(candidate, _refused.Contains(candidate.Worker));
        for (var kind = 0; kind < _kinds.Length; kind++)
        {
            if (_kinds[kind].Key == key)
            {
                return kind;
            }
        }

        return -1;
    }
}
