using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A link broke between two members whose streams live: their links are made anew once; when that does not help, one side has to go.</summary>
internal static class LinkMachine
{
    /// <summary>Waits a moment: mostly the peer has died, and its stream's end says so better.</summary>
    public static RunTurn Note(RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.LinkBroken broken, RunWaits waits)
    {
        if (!RunningMachine.Everyone(phase).Members.ContainsKey(broken.Peer) || broken.Peer == worker)
        {
            return (state, [RunMachine.Note($"{worker} has lost its link to {broken.Peer}, who is no member of {phase.Crew.Generation}.")]);
        }

        var links = phase.BrokenLinks.Add(BrokenLink.Between(worker, broken.Peer));
        return (state with { Phase = phase with { BrokenLinks = links } },
            phase.BrokenLinks.IsEmpty ? [new RunEffect.StartTimer(RunTimer.Link, phase.Crew.Generation, waits.Link)] : []);
    }

    /// <summary>Nobody was lost meanwhile.</summary>
    public static RunTurn Judge(RunState state, RunPhase.Running phase, RunWaits waits, DateTimeOffset now)
    {
        var committed = state.Progress.Step;
        var stubborn = phase.BrokenLinks.Where(state.LinkMarks.ContainsKey).ToImmutableArray();
        var pairs = string.Join(", ", phase.BrokenLinks.Select(link => $"{link.Lower} and {link.Higher}"));
        var marked = state with { LinkMarks = state.LinkMarks.SetItems(phase.BrokenLinks.Select(link => KeyValuePair.Create(link, committed))) };
        if (stubborn.IsEmpty)
        {
            var cause = new RegroupCause($"The link between {pairs} broke at step {state.Progress.HighestStep}; all links are made anew.", now);
            return RegroupingMachine.Begin(marked, RunningMachine.Everyone(phase), phase.Finished, cause, waits);
        }

        // A host that lost its network has lost its links to many; the others each lost one.
        var culprit = stubborn.SelectMany(link => (WorkerId[])[link.Lower, link.Higher]).Distinct()
            .OrderByDescending(worker => phase.BrokenLinks.Count(link => link.Lower == worker || link.Higher == worker)).ThenByDescending(worker => worker).First();
        var count = phase.BrokenLinks.Count(link => link.Lower == culprit || link.Higher == culprit);
        return Eviction.Evict(
            marked, [culprit], $"its link to {count} {(count == 1 ? "member" : "members")} broke again before a step was committed ({pairs})", waits, now);
    }
}
