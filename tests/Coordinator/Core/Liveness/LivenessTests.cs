using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Liveness;

public sealed class LivenessTests
{
    /// <summary>Everybody has beaten for a while, and steps come.</summary>
    private static Conversation Beating(int workers)
    {
        var talk = AtStep(5, workers);
        talk.Pass(2, [.. Enumerable.Range(1, workers)]);
        return talk;
    }

    [Fact]
    public void Tick_OneFreezesAndTheRunStandsStill_IsGivenUpWithinThreeSeconds()
    {
        var talk = Beating(3);
        var frozenAt = talk.Now;

        var effects = talk.Pass(3, 1, 3);

        Assert.StartsWith("evict w-2: it was silent for ", effects[0]);
        Assert.Contains("no step was reported for ", effects[0], StringComparison.Ordinal);
        Assert.StartsWith("record WorkerLost w-2 at 5: it was silent for", effects[1]);
        Assert.StartsWith("tell w-1 Fence G2", effects[2]);
        Assert.True(talk.Now - frozenAt <= TimeSpan.FromSeconds(3));
        Assert.DoesNotContain(new WorkerId("w-2"), talk.State.Workers.Keys);
    }

    [Fact]
    public void Tick_OneIsSilentButStepsCome_IsKept()
    {
        var talk = Beating(3);
        for (var step = 6; step < 30; step++)
        {
            // The others' reports of step t+1 prove that it was alive at t, though its own messages are late.
            talk.SayAtOnce(1, Progress(step));
            talk.SayAtOnce(3, Progress(step));
            Assert.Equal([], talk.Pass(0.25, 1, 3));
        }
    }

    [Fact]
    public void Tick_NobodyBeats_SilenceMeansNothing() => Assert.Equal([], AtStep(5, 2).Pass(60));

    [Fact]
    public void Tick_TheCoordinatorItselfWasFrozen_NobodyIsGivenUp()
    {
        var talk = Beating(2);

        // One tick after a minute: nobody could be heard meanwhile.
        talk.Send(new ClusterEvent.TimerFired(Run, RunTimer.Grace, new Generation(7)));
        Assert.Equal([], talk.Pass(0.25));
        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
    }

    [Fact]
    public void Tick_AMemberThatDoesNotAnswerTheFence_IsGivenUp()
    {
        var talk = Beating(3);
        talk.Lose(1);
        talk.Say(2, Fenced(2, 5));

        var effects = talk.Pass(3, 2);

        Assert.StartsWith("evict w-3: it was silent for", effects[0]);
        Assert.StartsWith("tell w-2 Fence G3", effects[2]);
    }

    /// <summary>A run on one worker that froze for three seconds began again at its last checkpoint, or at step 0.</summary>
    [Fact]
    public void Tick_TheOnlyMemberIsSilent_IsWaitedForHalfAMinute()
    {
        var talk = Beating(1);
        var before = talk.RunState.Reason;

        const string Silent = "Nothing is heard of w-1, and nobody else holds the run's state: it waits up to 30 s for them, and then begins again from the beginning.";
        Assert.Equal([$"record MembersSilent: {Silent}"], talk.Pass(25));
        Assert.Equal(Silent, talk.RunState.Reason);
        Assert.Equal([], talk.Pass(1, 1));
        Assert.Equal(before, talk.RunState.Reason);

        var effects = talk.Pass(31);
        Assert.Equal($"record MembersSilent: {Silent}", effects[0]);
        Assert.StartsWith("evict w-1: it was silent for 30", effects[1]);
        Assert.Contains(effects, effect => effect.StartsWith("record RunPaused: ", StringComparison.Ordinal) && effect.EndsWith("No worker is left; the run waits for others and goes on from the beginning.", StringComparison.Ordinal));
        Assert.Null(talk.RunState.Silence);
    }

    [Fact]
    public void Tick_AllAreSilentAtOnce_NobodyIsGivenUpUntilOneIsHeard()
    {
        var talk = Beating(3);
        Assert.Single(talk.Pass(10));

        var effects = talk.Pass(0.25, 2);

        Assert.Equal(["evict w-1", "evict w-3"], effects.Where(effect => effect.StartsWith("evict", StringComparison.Ordinal)).Select(effect => effect.Split(':')[0]));
        Assert.IsType<RunPhase.Regrouping>(talk.RunState.Phase);
    }

    /// <summary>The one that is left holds the only copy of the state: neither its silence nor the fence that it cannot answer takes that away.</summary>
    [Fact]
    public void Lost_AllButAFrozenOne_ItIsWaitedForAndGoesOn()
    {
        var talk = Beating(3);
        talk.Lose(2);
        talk.Lose(3);

        Assert.StartsWith("record MembersSilent: Nothing is heard of w-1", Assert.Single(talk.Pass(20)));
        Assert.Equal(["timer Fence G3 30 s"], talk.Fire(RunTimer.Fence, 3));
        Assert.Equal("tell w-1 Activate G3 5..100/100: w-1=[0,8)(0-7)", talk.Say(1, Fenced(3, 5, (0, 3)))[^1]);
    }

    [Fact]
    public void Fence_TheLastOneBeatsAndNeverAnswers_IsGivenUpInTheEnd()
    {
        var talk = Beating(2);
        talk.Lose(2);
        Assert.Equal([], talk.Pass(30, 1));
        Assert.Equal(["timer Fence G2 30 s"], talk.Fire(RunTimer.Fence, 2));
        Assert.Equal([], talk.Pass(30, 1));
        Assert.StartsWith("evict w-1: it did not answer the fence of G2", talk.Fire(RunTimer.Fence, 2)[0]);
    }

    [Theory]
    [InlineData(0.3, 1.0, false)] // a gap of 0.3 s is usual: patience is the least, 1.5 s
    [InlineData(0.3, 1.6, true)]
    [InlineData(0.7, 1.6, false)] // gaps of 0.7 s: 2.1 s
    [InlineData(0.7, 2.2, true)]
    [InlineData(1.5, 2.4, false)] // never more than 2.5 s, or a freeze would not be seen within 3 s
    [InlineData(1.5, 2.6, true)]
    public void Decide_Silence_IsMeasuredAgainstTheUsualGap(double gap, double silence, bool expected)
    {
        var pulse = new Pulse(default, TimeSpan.FromSeconds(silence), TimeSpan.FromSeconds(gap), true);

        Assert.Equal(expected, LivenessRule.Decide(pulse, TimeSpan.FromSeconds(5)).IsGivenUp);
        Assert.False(LivenessRule.Decide(pulse, TimeSpan.FromSeconds(0.4)).IsGivenUp);
    }

    [Fact]
    public void Hear_GapsOfASecond_AreLearnedAndForgotten()
    {
        var now = default(DateTimeOffset);
        var pulse = Pulse.First(1, now).Hear(new WorkerMessage.Heartbeat(), now);
        pulse = pulse.Hear(new WorkerMessage.Heartbeat(), now += TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(1), pulse.Gap);
        for (var i = 0; i < 120; i++)
        {
            pulse = pulse.Hear(new WorkerMessage.Heartbeat(), now += TimeSpan.FromSeconds(0.25));
        }

        Assert.Equal(0.25, pulse.Gap.TotalSeconds, 0.01);
    }

    [Fact]
    public void Evicted_ItsStreamEndsLater_NothingHappensAgain()
    {
        var talk = Beating(2);
        talk.Pass(3, 1);

        Assert.Equal(["note: WorkerLost concerns no run."], talk.Lose(2));
        Assert.Equal(["note: WorkerSaid concerns no run."], talk.Say(2, Progress(6)));
    }
}
