using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>What the comparison of the members' state says so far.</summary>
/// <param name="IsComplete">Every member has sent its digest, and all are the same.</param>
/// <param name="Difference">Set when two members differ: who has what, in a sentence.</param>
public readonly record struct DigestDecision(bool IsComplete, string? Difference);

/// <summary>Members compare the hash of their state at every checkpoint: a difference is found there and not in the results.</summary>
public static class DigestRule
{
    /// <summary>Checkpoints that may be open at once; older ones are forgotten.</summary>
    public const int MaxOpenSteps = 16;

    /// <summary>Who came in behind the step has no part in it.</summary>
    public static (RunProgress Progress, DigestDecision Decision) Add(RunProgress progress, Crew crew, WorkerId worker, long step, string sha256)
    {
        var known = progress.Digests.GetValueOrDefault(step, ImmutableSortedDictionary<WorkerId, string>.Empty).SetItem(worker, sha256);
        var isComplete = crew.Members.Keys.All(member => known.ContainsKey(member) || crew.JoinedAt.GetValueOrDefault(member) >= step);
        var digests = isComplete ? progress.Digests.Remove(step) : progress.Digests.SetItem(step, known);
        while (digests.Count > MaxOpenSteps)
        {
            digests = digests.Remove(digests.Keys.First());
        }

        return (progress with { Digests = digests }, new DigestDecision(isComplete, Difference(step, known)));
    }

    private static string? Difference(long step, ImmutableSortedDictionary<WorkerId, string> known)
    {
        var groups = known.GroupBy(entry => entry.Value, StringComparer.Ordinal).ToImmutableArray();
        if (groups.Length == 1)
        {
            return null;
        }

        var who = groups.Select(group => $"{string.Join(", ", group.Select(entry => entry.Key))} {(group.Count() == 1 ? "has" : "have")} {group.Key}");
        return $"The members' state differs at step {step}: {string.Join("; ", who)}. "
            + "This must not happen with one fingerprint; check the memory of these hosts, and report it with the run folder.";
    }
}
