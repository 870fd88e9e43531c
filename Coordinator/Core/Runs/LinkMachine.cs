using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A link broke between two members whose streams live: their links are made anew once; when that does not help, one side has to go.</summary>
internal static class LinkMachine
{
    /// <summary>Links that a sentence names: enough to see whose they are.</summary>
    private const int MaxNamed = 8;

    /// <summary>Waits a moment: mostly the peer has died, and its stream's end says so better.</summary>
    public static RunTurn Note(RunState state, RunPhase.Running phase, WorkerId worker, WorkerMessage.LinkBroken broken, RunWaits waits, DateTimeOffset now)
    {
        if (RunningMachine.Find(phase, broken.Peer) is null || broken.Peer == worker)
        {
            return (state, [RunMachine.Note($"{worker} has lost its link to {broken.Peer}, who is no member of {phase.Crew.Generation}.")]);
        }

        var links = phase.BrokenLinks.Add(BrokenLink.Between(worker, broken.Peer));
        if (phase.Change is { IsOver: true } change && !(change.Candidates.ContainsKey(worker) && change.Candidates.ContainsKey(broken.Peer)))
        {
            return ChangeMachine.Settle(state, phase with { BrokenLinks = links }, change, waits, now);
        }

        return (state with { Phase = phase with { BrokenLinks = links } },
            phase.BrokenLinks.IsEmpty ? [new RunEffect.StartTimer(RunTimer.Link, phase.Crew.Generation, waits.Link)] : []);
    }

    /// <summary>Nobody was lost meanwhile.</summary>
    public static RunTurn Judge(RunState state, RunPhase.Running phase, RunWaits waits, DateTimeOffset now)
    {
        var committed = state.Progress.Step;
        var stubborn = phase.BrokenLinks.Where(state.LinkMarks.ContainsKey).ToImmutableArray();
        var pairs = Name(phase.BrokenLinks);
        if (Newcomer(phase) is { Value: not null } newcomer)
        {
            // The members have lost nothing: they stay as they are, and it comes in when it reaches all of them.
            return ChangeMachine.CallOff(DeferRule.Defer(state, newcomer), phase, newcomer, $"it and a member do not reach each other ({pairs}); it may try again later", waits, now);
        }

        var marked = state with { LinkMarks = state.LinkMarks.SetItems(phase.BrokenLinks.Select(link => KeyValuePair.Create(link, committed))) };
        if (stubborn.IsEmpty)
        {
            var cause = new RegroupCause($"The link between {pairs} broke at step {state.Progress.HighestStep}; all links are made anew.", now);
            return RegroupingMachine.Begin(marked, RunningMachine.Everyone(phase), phase.Finished, cause, waits);
        }

        // A host that lost its network has lost its links to many; the others each lost one.
        var counts = phase.BrokenLinks.SelectMany(link => link.Ends).CountBy(worker => worker).ToDictionary();
        var culprit = stubborn.SelectMany(link => link.Ends).Distinct()
            .OrderByDescending(worker => counts[worker]).ThenByDescending(worker => worker).First();
        var count = counts[culprit];
        return Eviction.Evict(
            marked, [culprit], $"its link to {count} {(count == 1 ? "member" : "members")} broke again before a step was committed ({pairs})", waits, now);
    }

    /// <summary>A joiner at one of the broken links that is not in yet; default: there is none.</summary>
    private static WorkerId Newcomer(RunPhase.Running phase) => phase.Change is not { } change ? default
        : phase.BrokenLinks.SelectMany(link => link.Ends).FirstOrDefault(worker =>
            change.Candidates.ContainsKey(worker) && !phase.Crew.Members.ContainsKey(worker) && !change.Entered.ContainsKey(worker));

    /// <summary>The sentence goes to every member, so it must not grow with their number.</summary>
    private static string Name(ImmutableSortedSet<BrokenLink> links)
    {
        var some = string.Join(", ", links.Take(MaxNamed).Select(link => $"{link.Lower} and {link.Higher}"));
        return links.Count > MaxNamed ? $"{some}, and {links.Count - MaxNamed} more" : some;
    }
}
