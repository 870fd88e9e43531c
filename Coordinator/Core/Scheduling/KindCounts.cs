using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>What tells workers apart for the runs: those with the same key are alike for every run.</summary>
/// <param name="Refused">A worker that some run has refused is a kind of its own; null for all others.</param>
public readonly record struct KindKey(string Isa, string Device, string Labels, string Launcher, RunId? OnlyRun, WorkerId? Refused)
{
    public static KindKey Of(Candidate candidate, bool isRefused = false) => new(
        candidate.Hello.HighestIsa, candidate.Hello.Device, candidate.LabelText, candidate.Hello.Launcher, candidate.OnlyRun, isRefused ? candidate.Worker : null);
}

/// <summary>Workers of one kind that are not about to leave.</summary>
/// <param name="First">The one with the lowest id; it stands for all of them.</param>
/// <param name="Count">Those that serve a run, and the others.</param>
/// <param name="Idle">Those that serve none.</param>
public sealed record KindCount(KindKey Key, Candidate First, int Count, int Idle);

/// <summary>How many attached workers there are of each kind: counted on while they come and go, for a look at all of them at each that comes would grow with the square of their number.</summary>
/// <remarks>It belongs to the two collections that it was counted from; a state that has others counts again.</remarks>
public sealed class KindCounts
{
    public static readonly KindCounts Empty = Of(ImmutableSortedDictionary<WorkerId, Candidate>.Empty, ImmutableSortedDictionary<WorkerId, RunId>.Empty);

    private readonly ImmutableSortedDictionary<WorkerId, Candidate> _workers;
    private readonly ImmutableSortedDictionary<WorkerId, RunId> _serving;

    private KindCounts(ImmutableSortedDictionary<WorkerId, Candidate> workers, ImmutableSortedDictionary<WorkerId, RunId> serving, ImmutableArray<KindCount> kinds) =>
        (_workers, _serving, Kinds) = (workers, serving, kinds);

    /// <summary>By the id of the first worker of each.</summary>
    public ImmutableArray<KindCount> Kinds { get; }

    /// <summary>Looks at every worker.</summary>
    public static KindCounts Of(ImmutableSortedDictionary<WorkerId, Candidate> workers, ImmutableSortedDictionary<WorkerId, RunId> serving)
    {
        var kinds = new List<KindCount>();
        foreach (var candidate in workers.Values.Where(candidate => !candidate.IsLeaving))
        {
            Add(kinds, KindKey.Of(candidate), candidate, serving.ContainsKey(candidate.Worker) ? 0 : 1);
        }

        return new KindCounts(workers, serving, [.. kinds]);
    }

    public bool IsOf(ImmutableSortedDictionary<WorkerId, Candidate> workers, ImmutableSortedDictionary<WorkerId, RunId> serving) =>
        ReferenceEquals(_workers, workers) && ReferenceEquals(_serving, serving);

    /// <summary>One worker is another than before.</summary>
    /// <param name="workers">With it as it is now.</param>
    /// <param name="before">Null: it was not attached.</param>
    /// <param name="after">Null: it is gone.</param>
    public KindCounts With(ImmutableSortedDictionary<WorkerId, Candidate> workers, Candidate? before, Candidate? after)
    {
        var kinds = Kinds.ToList();
        if (before is { IsLeaving: false })
        {
            Remove(kinds, before);
            FindFirst(kinds, workers.Values, before.Worker);
        }

        if (after is { IsLeaving: false })
        {
            Add(kinds, KindKey.Of(after), after, IdleOf(after));
        }

        return new KindCounts(workers, _serving, [.. kinds.OrderBy(kind => kind.First.Worker)]);
    }

    /// <summary>The same with some of the workers as kinds of their own, and with others that are still to come.</summary>
    /// <param name="refused">Attached or not.</param>
    /// <param name="awaited">Not attached; not idle either. Kinds that nobody attached is of stand last.</param>
    public ImmutableArray<KindCount> SetApart(IReadOnlySet<WorkerId> refused, IEnumerable<Candidate> awaited)
    {
        var kinds = Kinds.ToList();
        var apart = refused.Select(worker => _workers.GetValueOrDefault(worker)).OfType<Candidate>().Where(candidate => !candidate.IsLeaving).ToList();
        if (apart.Count > 0)
        {
            apart.ForEach(candidate => Remove(kinds, candidate));
            var others = _workers.Values.Where(candidate => !refused.Contains(candidate.Worker));
            apart.ForEach(candidate => FindFirst(kinds, others, candidate.Worker));
            apart.ForEach(candidate => Add(kinds, KindKey.Of(candidate, isRefused: true), candidate, IdleOf(candidate)));
            kinds = [.. kinds.OrderBy(kind => kind.First.Worker)];
        }

        foreach (var candidate in awaited)
        {
            Add(kinds, KindKey.Of(candidate, refused.Contains(candidate.Worker)), candidate, 0, isFirst: false);
        }

        return [.. kinds];
    }

    /// <summary>One more of a kind. Kinds are few, and most pools have one: nothing is hashed.</summary>
    private static void Add(List<KindCount> kinds, KindKey key, Candidate candidate, int idle, bool isFirst = true)
    {
        var i = kinds.FindIndex(kind => kind.Key == key);
        if (i < 0)
        {
            kinds.Add(new KindCount(key, candidate, 1, idle));
            return;
        }

        var kind = kinds[i];
        kinds[i] = new KindCount(key, isFirst && candidate.Worker.CompareTo(kind.First.Worker) < 0 ? candidate : kind.First, kind.Count + 1, kind.Idle + idle);
    }

    private int IdleOf(Candidate candidate) => _serving.ContainsKey(candidate.Worker) ? 0 : 1;

    private void Remove(List<KindCount> kinds, Candidate candidate)
    {
        var key = KindKey.Of(candidate);
        var i = kinds.FindIndex(kind => kind.Key == key);
        kinds[i] = kinds[i] with { Count = kinds[i].Count - 1, Idle = kinds[i].Idle - IdleOf(candidate) };
        if (kinds[i].Count == 0)
        {
            kinds.RemoveAt(i);
        }
    }

    /// <summary>Somebody else stands for the kind for which this worker stood.</summary>
    /// <param name="among">By id: in a pool of one kind the very first is found.</param>
    private static void FindFirst(List<KindCount> kinds, IEnumerable<Candidate> among, WorkerId gone)
    {
        var i = kinds.FindIndex(kind => kind.First.Worker == gone);
        if (i >= 0)
        {
            kinds[i] = kinds[i] with { First = among.First(candidate => !candidate.IsLeaving && KindKey.Of(candidate) == kinds[i].Key) };
        }
    }
}
