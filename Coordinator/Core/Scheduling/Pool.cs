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
    private readonly List<KindKey> _kinds = [];
    private readonly HashSet<WorkerId> _refused = [];

    private Pool(ClusterState state)
    {
        Runs = QueueOrder.Of(state.Runs.Where(IsWanting));
        foreach (var run in Runs)
        {
            _refused.UnionWith(run.Refused.Keys);
        }

        var (counts, examples) = (new List<int>(), new List<Candidate>());
        foreach (var candidate in state.Workers.Values.Where(candidate => !candidate.IsLeaving).Concat(Runs.SelectMany(Awaited)))
        {
            var kind = KindOf(candidate);
            if (kind < 0)
            {
                kind = _kinds.Count;
                _kinds.Add(KeyOf(candidate));
                counts.Add(0);
                examples.Add(candidate);
            }

            counts[kind]++;
        }

        var claims = Runs.Select(run => ClaimOf(run, state, counts.Count)).ToImmutableArray();
        Shares = ShareRule.Decide(
            claims, [.. counts.Select((count, kind) => new WorkerKind(count, [.. Runs.Select((run, i) => FitRule.IsFit(run, examples[kind]) || claims[i].Held[kind] > 0)]))],
            isWhole: !Runs.Any(run => run.Phase is RunPhase.Reviving));
        (Claims, WorkerCount) = (claims, counts.Sum());
    }

    /// <summary>Workers of the pool, busy or free, that are not about to leave it.</summary>
    public int WorkerCount { get; }

    /// <summary>Those that want workers, in the order of the queue.</summary>
    public ImmutableArray<RunState> Runs { get; }

    public ImmutableArray<ShareClaim> Claims { get; }

    /// <summary>For each run, in the same order.</summary>
    public ImmutableArray<Share> Shares { get; }

    public static Pool Of(ClusterState state) => new(state);

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

    private ShareClaim ClaimOf(RunState run, ClusterState state, int kinds)
    {
        var held = new int[kinds];
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

    /// <summary>Kinds are few, and most pools have one: nothing is hashed for each of ten thousand workers.</summary>
    private int KindOf(Candidate candidate) => _kinds.IndexOf(KeyOf(candidate));

    private KindKey KeyOf(Candidate candidate) => new(
        candidate.Hello.HighestIsa, candidate.Hello.Device, candidate.LabelText, candidate.Hello.Launcher, candidate.OnlyRun, _refused.Contains(candidate.Worker) ? candidate.Worker : null);

    /// <summary>A worker that some run has refused is a kind of its own.</summary>
    private readonly record struct KindKey(string Isa, string Device, string Labels, string Launcher, RunId? OnlyRun, WorkerId? Refused);
}
