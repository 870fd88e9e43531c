using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>What one coordinator knows: its workers and its runs. Immutable: a snapshot may be read on any thread.</summary>
public sealed record ClusterState
{
    /// <summary>Attached workers; one stream and a few kilobytes each. `simulate --control-plane` shows what ten thousand of them cost.</summary>
    public const int MaxWorkers = 16_384;

    /// <summary>Runs that wait for their turn.</summary>
    public const int MaxQueuedRuns = 1000;

    /// <summary>Ended runs that status still shows; their folders stay.</summary>
    public const int MaxEndedRuns = 200;

    private static readonly ImmutableSortedDictionary<string, DrainMark> NobodyDrained = ImmutableSortedDictionary.Create<string, DrainMark>(StringComparer.Ordinal);

    public required ClusterOptions Options { get; init; }

    /// <summary>The number of the worker that attached last; never used again.</summary>
    public long LastWorkerNumber { get; init; }

    public ImmutableSortedDictionary<WorkerId, Candidate> Workers { get; init; } = ImmutableSortedDictionary<WorkerId, Candidate>.Empty;

    /// <summary>Processes that a person drained, by <see cref="WorkerMessage.Hello.Instance"/>, attached or not: it outlives the coordinator.</summary>
    public ImmutableSortedDictionary<string, DrainMark> Drained { get; init; } = NobodyDrained;

    /// <summary>When each attached worker was heard last.</summary>
    public ImmutableSortedDictionary<WorkerId, Pulse> Pulses { get; init; } = ImmutableSortedDictionary<WorkerId, Pulse>.Empty;

    public DateTimeOffset LastTick { get; init; }

    /// <summary>In the order in which they were submitted.</summary>
    public ImmutableArray<RunState> Runs { get; init; } = [];

    /// <summary>The run that each busy worker serves: with many runs, none of them has to be asked for each message.</summary>
    public ImmutableSortedDictionary<WorkerId, RunId> Serving { get; init; } = ImmutableSortedDictionary<WorkerId, RunId>.Empty;

    /// <summary>Where each run stands in <see cref="Runs"/>.</summary>
    private ImmutableDictionary<RunId, int> Places { get; init; } = ImmutableDictionary<RunId, int>.Empty;

    /// <summary>Live runs by the hash of the token that is good for them only: asked at each call with such a token.</summary>
    private ImmutableDictionary<string, RunId> Grants { get; init; } = ImmutableDictionary<string, RunId>.Empty;

    /// <summary>As they were when they were last counted; they may be of other workers than these.</summary>
    private KindCounts Counted { get; init; } = KindCounts.Empty;

    /// <summary>How many workers of each kind there are, and how many of them are idle. At no cost behind <see cref="Counting"/>, and while workers come and go one by one.</summary>
    public KindCounts Kinds => Counted.IsOf(Workers, Serving) ? Counted : KindCounts.Of(Workers, Serving);

    /// <summary>The live run that a token is good for; null: none.</summary>
    /// <param name="tokenSha256">As <see cref="RunOrder.JoinTokenSha256"/>.</param>
    public RunId? GrantOf(string tokenSha256) => Grants.TryGetValue(tokenSha256, out var run) ? run : null;

    public RunState? Find(RunId id) => Places.TryGetValue(id, out var place) ? Runs[place] : null;

    /// <summary>The run that a worker serves; null: it is free.</summary>
    public RunState? RunOf(WorkerId worker) => Serving.TryGetValue(worker, out var run) ? Find(run) : null;

    /// <summary>The same, with its workers counted.</summary>
    internal ClusterState Counting() => Counted.IsOf(Workers, Serving) ? this : this with { Counted = Kinds };

    /// <summary>A worker more, or one as it is now.</summary>
    internal ClusterState With(Candidate worker) => Change(Workers.SetItem(worker.Worker, worker), Workers.GetValueOrDefault(worker.Worker), worker);

    /// <summary>A worker less; its pulse stays.</summary>
    internal ClusterState Without(WorkerId worker) => Workers.TryGetValue(worker, out var gone) ? Change(Workers.Remove(worker), gone, null) : this;

    private ClusterState Change(ImmutableSortedDictionary<WorkerId, Candidate> workers, Candidate? before, Candidate? after) =>
        this with { Workers = workers, Counted = Counted.IsOf(Workers, Serving) ? Counted.With(workers, before, after) : Counted };

    /// <summary>A run more, or one as it is now.</summary>
    public ClusterState With(RunState run)
    {
        var isKnown = Places.TryGetValue(run.Id, out var place);
        var before = isKnown ? Runs[place] : null;
        return this with
        {
            Runs = isKnown ? Runs.SetItem(place, run) : Runs.Add(run), Places = isKnown ? Places : Places.Add(run.Id, Runs.Length), Grants = GrantsWith(run),
            Serving = before is not null && before.IsServedAs(run) ? Serving
                : Serving.RemoveRange(before?.Members.Where(worker => !run.IsServedBy(worker)) ?? []).SetItems(run.Members.Select(worker => KeyValuePair.Create(worker, run.Id))),
        };
    }

    private ImmutableDictionary<string, RunId> GrantsWith(RunState run)
    {
        if (run.Order.JoinTokenSha256 is not { } token)
        {
            return Grants;
        }

        var isItsOwn = !Grants.TryGetValue(token, out var known) || known == run.Id;
        return !isItsOwn ? Grants : run.Phase is RunPhase.Ended ? Grants.Remove(token) : Grants.SetItem(token, run.Id);
    }

    /// <summary>Forgets the oldest of the runs that have ended when there are more than are kept.</summary>
    public ClusterState Forget()
    {
        if (Runs.Length <= MaxEndedRuns || Runs.Count(run => run.Phase is RunPhase.Ended) <= MaxEndedRuns)
        {
            return this;
        }

        var left = Runs.Remove(Runs.First(run => run.Phase is RunPhase.Ended));
        return this with { Runs = left, Places = left.Select((run, place) => KeyValuePair.Create(run.Id, place)).ToImmutableDictionary() };
    }
}

/// <param name="Version">Of the program; workers must have the same.</param>
/// <param name="Waits">How long runs wait for what.</param>
public sealed record ClusterOptions(string Version, RunWaits Waits)
{
    /// <summary>Runs outlive the coordinator: members are told what is recorded, so that they need not keep it for the next one.</summary>
    public bool IsDurable { get; init; }
}
