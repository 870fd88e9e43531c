using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>How far a joiner, and its feed, was at the last tick.</summary>
/// <param name="Feed">The feed's number; 0: it still makes itself ready.</param>
/// <param name="Step">Steps that the joiner had applied.</param>
/// <param name="Bytes">Of the state that had come.</param>
/// <param name="At">The time of the tick.</param>
/// <param name="Still">For how long nothing has moved, as far as the coordinator was there to hear it.</param>
public readonly record struct FeedPulse(long Feed, long Step, long Bytes, DateTimeOffset At, TimeSpan Still);

/// <summary>Gives a joiner another donor when its feed neither moves nor breaks: a donor whose disk or card hangs keeps its stream open for ever. A joiner that hangs itself is given up.</summary>
/// <remarks>
/// Who hangs is told by the joiner's heartbeats: one whose training thread has nothing to do waits for its donor. One that has been at the same piece of work for longer than the patience never ends it:
/// another donor would not help it, its process is of no use to any run, and it holds what its donor has lent it. So it starts afresh, like a member that hangs, and its process gives all of that back.
/// </remarks>
internal static class FeedRule
{
    /// <summary>A joiner says at least for every hundredth of the state that it has come, and for every step. A state at this pace would take an hour and a half.</summary>
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(60);

    /// <summary>A state is taken over in memory, at some gigabytes a second: this is far less.</summary>
    private const double LoadedBytesPerSecond = 100_000_000;

    /// <summary>The donor copies its state between two pieces of work, and a joiner applies a step when the members have decided it: with long steps there is nothing to hear for long.</summary>
    private const int Steps = 10;

    /// <summary>While nobody knows how long a step takes: the first ones may take minutes.</summary>
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromMinutes(10);

    public static RunTurn TimeOut(RunState state, ImmutableSortedDictionary<WorkerId, Pulse> pulses, RunWaits waits, DateTimeOffset now)
    {
        RunTurn turn = (state, []);
        foreach (var worker in state.Joiners.Keys)
        {
            turn = turn.Then(next => next.Joiners.TryGetValue(worker, out var joiner) && joiner.Stage is JoinStage.Loading or JoinStage.Following
                ? Look(next, joiner, pulses.GetValueOrDefault(worker), waits, now) : (next, []));
        }

        return turn;
    }

    private static RunTurn Look(RunState state, Joiner joiner, Pulse pulse, RunWaits waits, DateTimeOffset now)
    {
        var (worker, last) = (joiner.Candidate.Worker, joiner.Pulse);
        var isMoved = (last.Feed, last.Step, last.Bytes) != (joiner.Feed, joiner.Step, joiner.Bytes);
        var isUpToDate = joiner.Stage == JoinStage.Following && joiner.Step >= state.Progress.HighestStep;
        var passed = now - last.At;
        passed = passed < TimeSpan.Zero ? TimeSpan.Zero : passed > Pulse.MaxTick ? Pulse.MaxTick : passed;
        var still = isMoved || isUpToDate ? TimeSpan.Zero : last.Still + passed;
        state = state with { Joiners = state.Joiners.SetItem(worker, joiner with { Pulse = new FeedPulse(joiner.Feed, joiner.Step, joiner.Bytes, now, still) }) };
        if (joiner.Stage == JoinStage.Loading)
        {
            return still < waits.Prepare ? (state, [])
                : Eviction.Evict(state, [worker], $"it did not get ready within {waits.Prepare.TotalSeconds:0} s", waits, now, isHung: true);
        }

        var patience = Patience(state);
        if (state.Order.Job.Workers.HangSeconds > 0 && pulse.Work.Kind is not (WorkKind.Unspecified or WorkKind.Waiting))
        {
            patience += pulse.Work.Kind == WorkKind.Loading ? TimeSpan.FromSeconds(joiner.Bytes / LoadedBytesPerSecond) : TimeSpan.Zero;
            return pulse.Held < patience ? (state, []) : Eviction.Evict(state, [worker], string.Create(
                CultureInfo.InvariantCulture,
                $"its training thread hangs: it {pulse.Work.Describe()} for {pulse.Held.TotalSeconds:0.0} s while it joined (patience {patience.TotalSeconds:0.0} s)"), waits, now, isHung: true);
        }

        return still < patience ? (state, []) : JoinerMachine.FeedEnded(state, joiner.Feed, string.Create(
            CultureInfo.InvariantCulture,
            $"its donor {joiner.Donor} sent nothing for {still.TotalSeconds:0} s (patience {patience.TotalSeconds:0} s; the joiner holds {(joiner.Step < 0 ? $"{joiner.Bytes} bytes of the state" : $"step {joiner.Step}")})"), isHanging: true);
    }

    private static TimeSpan Patience(RunState state)
    {
        // In a pause the members have nothing else to do.
        if (state.Phase is RunPhase.Paused)
        {
            return LeastPatience;
        }

        if (state.Progress.Rate.Present is not { } samplesPerSecond)
        {
            return UnknownPatience;
        }

        var steps = TimeSpan.FromSeconds(Steps * state.Order.Job.Training.GlobalBatch / samplesPerSecond);
        return steps > LeastPatience ? steps : LeastPatience;
    }
}
