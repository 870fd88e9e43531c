using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Liveness;

/// <summary>Whether a worker is given up, and why.</summary>
public readonly record struct LivenessDecision(bool IsGivenUp, string Reason);

/// <summary>Gives a silent worker up when the run does not get on either: a report of step t+1 proves that every member was alive at t.</summary>
/// <remarks>
/// The patience follows the worker's own gaps, between limits: a machine with more processes than cores has gaps of a second, and a freeze must be
/// seen within three seconds, of which a tick and a heartbeat take half a second. Those who are all that is left of the run's state are waited for longer (<see cref="LastCopyRule"/>).
/// </remarks>
public static class LivenessRule
{
    /// <summary>Between two ticks of the coordinator, and between two heartbeats of a worker.</summary>
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Usual gaps that make a silence: one is usual, two may be chance.</summary>
    private const int Gaps = 3;

    /// <summary>Six heartbeats: a busy worker may miss a few.</summary>
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(1.5);

    private static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(2.5);

    /// <summary>Nobody reports a new step for this long: steps of a small model come far faster, and those of a large one prove nothing.</summary>
    private static readonly TimeSpan Standstill = TimeSpan.FromMilliseconds(500);

    /// <summary>A joiner holds nobody up.</summary>
    private static readonly TimeSpan JoinerPatience = TimeSpan.FromSeconds(10);

    /// <param name="pulse">The member's.</param>
    /// <param name="still">Time for which the run has not got on.</param>
    public static LivenessDecision Decide(Pulse pulse, TimeSpan still)
    {
        var patience = pulse.Gap * Gaps;
        patience = patience < LeastPatience ? LeastPatience : patience > MostPatience ? MostPatience : patience;
        if (pulse.Silence < patience || still < Standstill)
        {
            return new LivenessDecision(false, "it was heard, or the run got on");
        }

        var numbers = string.Create(
            CultureInfo.InvariantCulture,
            $"it was silent for {pulse.Silence.TotalSeconds:0.0} s (usual gap {pulse.Gap.TotalSeconds:0.0} s, patience {patience.TotalSeconds:0.0} s) and no step was reported for {still.TotalSeconds:0.0} s");
        return new LivenessDecision(true, numbers);
    }

    /// <summary>Evicts every member that is to be given up, and joiners that are silent for long.</summary>
    /// <param name="state">The run.</param>
    /// <param name="pulses">Of all attached workers.</param>
    /// <param name="movedAt">When the run last got on.</param>
    /// <param name="waits">For what follows.</param>
    /// <param name="now">The time of the tick.</param>
    internal static RunTurn GiveUp(RunState state, ImmutableSortedDictionary<WorkerId, Pulse> pulses, DateTimeOffset movedAt, RunWaits waits, DateTimeOffset now)
    {
        var members = state.Members.Where(pulses.ContainsKey).ToImmutableArray();
        if (!members.Any(worker => pulses[worker].Beats))
        {
            // Nobody has a heart to hear, so silence means nothing.
            return (state, []);
        }

        var silent = members.Select(worker => (Worker: worker, Decision: Decide(state, worker, pulses[worker], now - movedAt))).Where(each => each.Decision.IsGivenUp).ToList();
        if (silent.Count == 0)
        {
            return (LastCopyRule.Clear(state), []);
        }

        var quiet = silent.Select(each => each.Worker).ToHashSet();
        var isAllThereIs = LastCopyRule.IsAllThereIs(state, quiet);
        var turn = isAllThereIs ? LastCopyRule.Note(state, quiet, waits) : (LastCopyRule.Clear(state), []);
        if (isAllThereIs)
        {
            silent.RemoveAll(each => !IsOnTheWay(state, each.Worker) && pulses[each.Worker].Silence < waits.LastCopy);
        }

        foreach (var (worker, decision) in silent)
        {
            turn = turn.Then(next => Eviction.Evict(next, [worker], decision.Reason, waits, now));
        }

        return turn;
    }

    private static bool IsOnTheWay(RunState state, WorkerId worker) => state.Joiners.TryGetValue(worker, out var joiner) && joiner.Stage != JoinStage.Entering;

    private static LivenessDecision Decide(RunState state, WorkerId worker, Pulse pulse, TimeSpan still) => IsOnTheWay(state, worker)
        ? new LivenessDecision(state.Joiners[worker].Stage == JoinStage.Following && pulse.Silence >= JoinerPatience, $"it was silent for {JoinerPatience.TotalSeconds:0} s")
        : Decide(pulse, still);
}
