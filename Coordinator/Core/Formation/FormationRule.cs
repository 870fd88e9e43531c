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

/// <summary>Decides when a waiting run starts: with workers.desired at once, with workers.min after the grace period.</summary>
public static class FormationRule
{
    /// <param name="workers">What the run wants.</param>
    /// <param name="idle">Attached workers that serve no run, by id.</param>
    /// <param name="refused">Workers that were refused before; they are not asked again.</param>
    /// <param name="launcher">Only workers of this launcher may be members; null: any worker.</param>
    /// <param name="graceEnded">The time to wait for more than workers.min is over.</param>
    public static FormationDecision Decide(
        WorkersSpec workers, IEnumerable<Candidate> idle, ImmutableSortedDictionary<WorkerId, string> refused, string? launcher, bool graceEnded)
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
        var hasEnough = able.Count >= needed;
        var isFormed = able.Count >= workers.Desired || (hasEnough && graceEnded);
        ImmutableArray<Candidate> members = isFormed ? [.. able.Take(workers.Desired)] : [];
        return new FormationDecision(
            isFormed, hasEnough, members, refusals.ToImmutable(), isFormed ? IsaRule.Choose(workers.Isa, members) : workers.Isa,
            Explain(workers, needed, able.Count, [.. refused.Values, .. refusals.Select(refusal => refusal.Reason)], isFormed, hasEnough));
    }

    private static string Explain(WorkersSpec workers, int needed, int able, ImmutableArray<string> refusals, bool isFormed, bool hasEnough)
    {
        var without = refusals.IsEmpty ? "" : $" ({refusals.Length} refused, the last because {refusals[^1].TrimEnd('.')})";
        var attached = $"{able} {(able == 1 ? "worker is" : "workers are")} free{without}";
        if (isFormed)
        {
            return able >= workers.Desired
                ? $"{attached}; {workers.Desired} desired: starting."
                : $"{attached}; {workers.Desired} desired, but the grace period is over and {needed} suffice: starting.";
        }

        return hasEnough
            ? $"{attached}; {workers.Desired} desired: waiting a little for more, though {needed} suffice."
            : $"{attached}; {needed} needed: waiting for {needed - able} more.";
    }
}
