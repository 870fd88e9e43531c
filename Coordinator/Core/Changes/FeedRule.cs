using System.Globalization;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>How far a feed was at the last tick.</summary>
/// <param name="Feed">Its number.</param>
/// <param name="Step">Steps that the joiner had applied.</param>
/// <param name="Bytes">Of the state that had come.</param>
/// <param name="At">The time of the tick.</param>
/// <param name="Still">For how long nothing has moved, as far as the coordinator was there to hear it.</param>
public readonly record struct FeedPulse(long Feed, long Step, long Bytes, DateTimeOffset At, TimeSpan Still);

/// <summary>Gives a joiner another donor when its feed neither moves nor breaks: a donor whose disk or card hangs keeps its stream open for ever.</summary>
internal static class FeedRule
{
    /// <summary>A joiner says at least for every hundredth of the state that it has come, and for every step. A state at this pace would take an hour and a half.</summary>
    private static readonly TimeSpan LeastPatience = TimeSpan.FromSeconds(60);

    /// <summary>The donor copies its state between two pieces of work, and a joiner applies a step when the members have decided it: with long steps there is nothing to hear for long.</summary>
    private const int Steps = 10;

    /// <summary>While nobody knows how long a step takes: the first ones may take minutes.</summary>
    private static readonly TimeSpan UnknownPatience = TimeSpan.FromMinutes(10);

    public static RunTurn TimeOut(RunState state, DateTimeOffset now)
    {
        RunTurn turn = (state, []);
        foreach (var joiner in state.Joiners.Values.Where(joiner => joiner.Stage == JoinStage.Following))
        {
            turn = turn.Then(next => Look(next, joiner, now));
        }

        return turn;
    }

    private static RunTurn Look(RunState state, Joiner joiner, DateTimeOffset now)
    {
        var last = joiner.Pulse;
        var isMoved = (last.Feed, last.Step, last.Bytes) != (joiner.Feed, joiner.Step, joiner.Bytes);
        var isUpToDate = joiner.Step >= state.Progress.HighestStep;
        var passed = now - last.At;
        passed = passed < TimeSpan.Zero ? TimeSpan.Zero : passed > Pulse.MaxTick ? Pulse.MaxTick : passed;
        var still = isMoved || isUpToDate ? TimeSpan.Zero : last.Still + passed;
        state = state with { Joiners = state.Joiners.SetItem(joiner.Candidate.Worker, joiner with { Pulse = new FeedPulse(joiner.Feed, joiner.Step, joiner.Bytes, now, still) }) };
        var patience = Patience(state);
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
