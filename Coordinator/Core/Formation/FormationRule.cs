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

/// <summary>What other runs of the pool leave to a run that waits.</summary>
/// <param name="Most">So many it may have; below workers.min it does not start.</param>
/// <param name="Goal">With so many it starts at once: workers.desired, or its share when the pool has as many and others use them.</param>
/// <param name="MayHave">Which workers; each yes uses one up.</param>
public readonly record struct FormationShare(int Most, int Goal, Func<Candidate, bool> MayHave);

/// <summary>Decides when a waiting run starts: with workers.desired, or its share of the pool, at once; with workers.min after the grace period.</summary>
public static class FormationRule
{
    /// <param name="workers">What the run wants.</param>
    /// <param name="idle">Attached workers that serve no run, by id.</param>
    /// <param name="refused">Workers that were refused before; they are not asked again.</param>
    /// <param name="launcher">Only workers of this launcher may be members; null: any worker.</param>
    /// <param name="share">What it may have; null: whatever it wants.</param>
    /// <param name="graceEnded">The time to wait for more than workers.min is over.</param>
    public static FormationDecision Decide(
        WorkersSpec workers, IEnumerable<Candidate> idle, ImmutableSortedDictionary<WorkerId, string> refused, string? launcher, FormationShare? share, bool graceEnded)
    {
        var able = ImmutableArray.CreateBuilder<Candidate>();
        var refusals = ImmutableArray.CreateBuilder<Refusal>();
        foreach (var candidate in idle)
        {
            if (refused.ContainsKey(candidate.Worker) || (launcher is not null && candidate.Hello.Launcher != launcher))
            {
                continue;
            }

            if (IsaRule.WhyNot(candidate, workers.Isa) is { } reason)
            {
                refusals.Add(new Refusal(candidate.Worker, reason));
            }
            else
            {
                able.Add(candidate);
            }
        }

        var needed = workers.Min;
        var (most, goal) = share is { } part ? (part.Most, part.Goal) : (int.MaxValue, workers.Desired);
        ImmutableArray<Candidate> mine = most < needed ? [] : [.. able.Where(share?.MayHave ?? (_ => true)).Take(Math.Min(workers.Desired, most))];
        var hasEnough = mine.Length >= needed;
        var isFormed = hasEnough && (mine.Length >= goal || graceEnded);
        return new FormationDecision(
            isFormed, hasEnough, isFormed ? mine : [], refusals.ToImmutable(), isFormed ? IsaRule.Choose(workers.Isa, mine) : workers.Isa,
            Explain(workers, goal, able.Count, mine.Length, [.. refused.Values, .. refusals.Select(refusal => refusal.Reason)], isFormed, hasEnough));
    }

    private static string Explain(WorkersSpec workers, int goal, int able, int mine, ImmutableArray<string> refusals, bool isFormed, bool hasEnough)
    {
        var needed = workers.Min;
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
