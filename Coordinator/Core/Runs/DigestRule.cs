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
        var open = progress.Digests.GetValueOrDefault(step) ?? new OpenDigest(ImmutableSortedDictionary<WorkerId, string>.Empty, [.. crew.Members.Keys.Where(member => Sends(crew, member, step))]);
        var first = open.Known.IsEmpty ? sha256 : open.Known.Values.First();
        open = new OpenDigest(open.Known.SetItem(worker, sha256), open.Missing.Remove(worker));
        var isComplete = !open.Missing.Any(member => Sends(crew, member, step));
        var digests = isComplete ? progress.Digests.Remove(step) : progress.Digests.SetItem(step, open);
        while (digests.Count > MaxOpenSteps)
        {
            digests = digests.Remove(digests.Keys.First());
        }

        // Those before were all the same, or the run would have ended.
        return (progress with { Digests = digests }, new DigestDecision(isComplete, sha256 == first ? null : Difference(step, open.Known)));
    }

    private static bool Sends(Crew crew, WorkerId member, long step) => crew.Members.ContainsKey(member) && crew.JoinedAt.GetValueOrDefault(member) < step;

    private static string Difference(long step, ImmutableSortedDictionary<WorkerId, string> known)
    {
        var groups = known.GroupBy(entry => entry.Value, StringComparer.Ordinal);
        var who = groups.Select(group => $"{string.Join(", ", group.Select(entry => entry.Key))} {(group.Count() == 1 ? "has" : "have")} {group.Key}");
        return $"The members' state differs at step {step}: {string.Join("; ", who)}. "
            + "This must not happen with one fingerprint; check the memory of these hosts, and report it with the run folder.";
    }
}
