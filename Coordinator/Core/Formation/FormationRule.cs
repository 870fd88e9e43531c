using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Core.Formation;

/// <summary>Whether a run can form its generation now, of whom, and why.</summary>
/// <param name="IsFormed">Members has whom to prepare.</param>
/// <param name="HasEnough">At least workers.min could be members: what is missing is only wished for.</param>
/// <param name="Members">By id; at most workers.desired.</param>
/// <param name="Refusals">Workers that this decision has found unfit.</param>
/// <param name="Isa">The instruction-set level to pin.</param>
/// <param name="Reason">A sentence with numbers.</param>
public readonly record struct FormationDecision(
    bool IsFormed, bool HasEnough, ImmutableArray<Candidate> Members, ImmutableArray<Refusal> Refusals, string Isa, string Reason);

/// <summary>What a run that waits asks for, and what the other runs of the pool leave to it.</summary>
/// <param name="Workers">What the run wants.</param>
/// <param name="Refused">Workers that were refused before; they are not asked again.</param>
/// <param name="Launcher">Only workers of this launcher may be members; null: any worker.</param>
/// <param name="Most">So many it may have; below workers.min it does not start.</param>
/// <param name="Goal">With so many it starts at once: workers.desired, or its share when the pool has as many and others use them.</param>
/// <param name="IsGraceOver">The time to wait for more than workers.min is over.</param>
public readonly record struct FormationOrder(
    WorkersSpec Workers, ImmutableSortedDictionary<WorkerId, string> Refused, string? Launcher, int Most, int Goal, bool IsGraceOver);

/// <summary>Attached workers that serve no run and are alike for every run.</summary>
/// <param name="Example">One of them.</param>
/// <param name="Count">All of them.</param>
/// <param name="Room">So many of them the run may have.</param>
public readonly record struct IdleKind(Candidate Example, int Count, int Room);

/// <summary>Decides when a waiting run starts: with workers.desired, or its share of the pool, at once; with workers.min after the grace period.</summary>
public static class FormationRule
{
    /// <param name="order">What the run wants and may have.</param>
    /// <param name="idle">Attached workers that serve no run, by id.</param>
    /// <param name="mayHave">Which of them; each yes uses one up.</param>
    public static FormationDecision Decide(FormationOrder order, IEnumerable<Candidate> idle, Func<Candidate, bool> mayHave)
    {
        var able = ImmutableArray.CreateBuilder<Candidate>();
        var refusals = ImmutableArray.CreateBuilder<Refusal>();
        foreach (var candidate in idle.Where(candidate => IsAsked(order, candidate)))
        {
            if (IsaRule.WhyNot(candidate, order.Workers.Isa) is { } reason)
            {
                refusals.Add(new Refusal(candidate.Worker, reason));
            }
            else
            {
                able.Add(candidate);
            }
        }

        ImmutableArray<Candidate> mine = [.. able.Where(mayHave).Take(MostOf(order))];
        var (isFormed, hasEnough) = Judge(order, mine.Length);
        return new FormationDecision(
            isFormed, hasEnough, isFormed ? mine : [], refusals.ToImmutable(), isFormed ? IsaRule.Choose(order.Workers.Isa, mine) : order.Workers.Isa,
            Explain(order, able.Count, mine.Length, [.. order.Refused.Values, .. refusals.Select(refusal => refusal.Reason)], isFormed, hasEnough));
    }

    /// <summary>The same decision by the numbers of the workers alone, at a cost that does not grow with them.</summary>
    /// <param name="order">What the run wants and may have.</param>
    /// <param name="idle">Attached workers that serve no run.</param>
    /// <returns>Null: the run starts or refuses somebody, so it has to be known who they are.</returns>
    public static FormationDecision? Wait(FormationOrder order, IEnumerable<IdleKind> idle)
    {
        var (able, room) = (0, 0);
        foreach (var kind in idle.Where(kind => IsAsked(order, kind.Example)))
        {
            if (IsaRule.WhyNot(kind.Example, order.Workers.Isa) is not null)
            {
                return null;
            }

            able += kind.Count;
            room += Math.Min(kind.Count, kind.Room);
        }

        var mine = Math.Min(room, MostOf(order));
        var (isFormed, hasEnough) = Judge(order, mine);
        return isFormed ? null : new FormationDecision(false, hasEnough, [], [], order.Workers.Isa, Explain(order, able, mine, [.. order.Refused.Values], false, hasEnough));
    }

    private static bool IsAsked(FormationOrder order, Candidate candidate) =>
        !order.Refused.ContainsKey(candidate.Worker) && (order.Launcher is null || candidate.Hello.Launcher == order.Launcher);

    /// <summary>Members that it can have: none when its least is more than it may have.</summary>
    private static int MostOf(FormationOrder order) => order.Most < order.Workers.Min ? 0 : Math.Min(order.Workers.Desired, order.Most);

    private static (bool IsFormed, bool HasEnough) Judge(FormationOrder order, int mine)
    {
        var hasEnough = mine >= order.Workers.Min;
        return (hasEnough && (mine >= order.Goal || order.IsGraceOver), hasEnough);
    }

    private static string Explain(FormationOrder order, int able, int mine, ImmutableArray<string> refusals, bool isFormed, bool hasEnough)
    {
        var (workers, goal, needed) = (order.Workers, order.Goal, order.Workers.Min);
        var without = refusals.IsEmpty ? "" : $" ({refusals.Length} refused, the last because {refusals[^1].TrimEnd('.')})";
        var attached = $"{able} {(able == 1 ? "worker is" : "workers are")} free{without}";
        if (isFormed)
        {
            return mine < goal ? $"{attached}; {workers.Desired} desired, but the grace period is over and {needed} suffice: starting."
                : goal < workers.Desired ? $"{attached}; {workers.Desired} desired, of which the other runs leave {goal}: starting."
                : $"{attached}; {workers.Desired} desired: starting.";
        }

        return hasEnough ? $"{attached}; {goal} desired: waiting a little for more, though {needed} suffice."
            : able < needed ? $"{attached}; {needed} needed: waiting for {needed - able} more."
            : $"{attached}; {needed} needed: waiting, for other runs come first.";
    }
}
