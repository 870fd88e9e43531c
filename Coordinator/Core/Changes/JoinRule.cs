using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>Which free workers join a run that trains.</summary>
/// <param name="Joiners">By id.</param>
/// <param name="Refusals">Workers that this decision has found unfit.</param>
public readonly record struct JoinDecision(ImmutableArray<Candidate> Joiners, ImmutableArray<Refusal> Refusals)
{
    public bool IsNothing => Joiners.IsEmpty && Refusals.IsEmpty;
}

/// <summary>A run takes workers in up to workers.desired, and those that a person started up to workers.max.</summary>
public static class JoinRule
{
    /// <param name="state">The run.</param>
    /// <param name="free">Attached workers that serve no run, by id.</param>
    /// <param name="mayHave">Whether the run may have a worker, as far as the other runs are concerned; each yes uses one up.</param>
    /// <param name="exchanged">Workers that it has and will give up for these, because others can only use those: they do not count.</param>
    public static JoinDecision Decide(RunState state, IEnumerable<Candidate> free, Func<Candidate, bool> mayHave, int exchanged = 0)
    {
        var joiners = ImmutableArray.CreateBuilder<Candidate>();
        var refusals = ImmutableArray.CreateBuilder<Refusal>();
        var isOpen = state.Phase is RunPhase.Running { Finished.IsEmpty: true } or RunPhase.Paused;
        if (!isOpen || Ending.IsWanted(state))
        {
            return new JoinDecision([], []);
        }

        var count = state.Staying.Count() - exchanged;
        foreach (var candidate in free.Where(candidate => FitRule.IsOurs(state, candidate) && FitRule.HasWhatItNeeds(state, candidate) && !state.Refused.ContainsKey(candidate.Worker)))
        {
            if (count >= (candidate.Hello.Launcher.Length == 0 ? state.Scale.Limit : state.Scale.Desired))
            {
                continue;
            }

            if (IsaRule.WhyNot(candidate, state.Agreement!.Isa) is { } reason)
            {
                refusals.Add(new Refusal(candidate.Worker, reason));
                continue;
            }

            if (mayHave(candidate))
            {
                joiners.Add(candidate);
                count++;
            }
        }

        return new JoinDecision(joiners.ToImmutable(), refusals.ToImmutable());
    }
}
