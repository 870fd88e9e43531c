using Orchestrator.Coordinator.Core.Liveness;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Liveness;

/// <summary>A training thread that never came back while its process went on beating kept all others waiting for ever.</summary>
public sealed class HangTests
{
    /// <summary>The usual step of <see cref="Conversation.Progress"/> takes a second.</summary>
    private const double Patience = 30;

    private static readonly WorkMark Waits = new(WorkKind.Waiting, 5);
    private static readonly WorkMark Computes = new(WorkKind.Computing, 6, 3);
    private static readonly WorkMark Evaluates = new(WorkKind.Evaluating, 5);

    [Fact]
    public void Tick_OneOfThreeIsAtOnePassAndTheOthersWait_IsGivenUpWithTheNumbers()
    {
        var talk = AtStep(5, 3);
        Assert.Equal([], talk.PassAtWork(Patience - 1, (1, Waits), (2, Computes), (3, Waits)));

        var effects = talk.PassAtWork(2, (1, Waits), (2, Computes), (3, Waits));

        Assert.StartsWith("evict w-2 to start afresh: its training thread hangs: it has computed logical rank 3 of step 6 for 30.0 s, and 2 members have waited for 30.0 s (patience 30.0 s)", effects[0]);
        Assert.StartsWith("record WorkerLost w-2 at 5: its training thread hangs", effects[1]);
        Assert.StartsWith("tell w-1 Fence G2", effects[2]);
        Assert.DoesNotContain(new WorkerId("w-2"), talk.State.Workers.Keys);
    }

    /// <summary>Everybody is as slow: the others come to wait one after another, and then for a moment.</summary>
    [Fact]
    public void Tick_AllComputeForLong_NobodyIsGivenUp()
    {
        var talk = AtStep(5, 3);
        Assert.Equal([], talk.PassAtWork(300, (1, Computes), (2, Computes), (3, Computes)));
        Assert.Equal([], talk.PassAtWork(Patience - 1, (1, Waits), (2, Computes), (3, Waits)));
    }

    [Fact]
    public void Tick_OneHangsAndAnotherGoesFromPassToPass_TheOtherMayBeWhatIsWaitedFor()
    {
        var talk = AtStep(5, 4);
        for (var rank = 0; rank < 10; rank++)
        {
            Assert.Equal([], talk.PassAtWork(10, (1, Waits), (2, Computes), (3, Waits), (4, Computes with { Rank = 4 + rank })));
        }

        Assert.Equal([], talk.PassAtWork(0.25, (1, Waits), (2, Computes), (3, Waits), (4, Waits)));
        Assert.StartsWith("evict w-2 ", talk.PassAtWork(Patience + 1, (1, Waits), (2, Computes), (3, Waits), (4, Waits))[0]);
    }

    [Fact]
    public void Tick_AsManyHangAsWait_AllOfThemAreGivenUp()
    {
        var talk = AtStep(5, 4);
        var effects = talk.PassAtWork(Patience + 1, (1, Waits), (2, Computes), (3, Waits), (4, Computes with { Rank = 7 }));
        Assert.Equal(["w-2", "w-4"], effects.Where(effect => effect.StartsWith("evict", StringComparison.Ordinal)).Select(effect => effect.Split(' ')[1]));
    }

    [Fact]
    public void Tick_MoreHangThanWait_NobodyIsGivenUp() => Assert.Equal([], AtStep(5, 3).PassAtWork(1000, (1, Waits), (2, Computes), (3, Computes with { Rank = 7 })));

    [Fact]
    public void Tick_TheOnlyMemberIsAtOnePass_NobodyWaitsForIt() => Assert.Equal([], AtStep(5, 1).PassAtWork(4000, (1, Computes)));

    [Fact]
    public void Tick_TheFirstStepOfAWorker_HasTenMinutes()
    {
        var talk = Training(2);
        Assert.Equal([], talk.PassAtWork(590, (1, Waits with { Step = 0 }), (2, Computes with { Step = 1 })));
        Assert.Contains("(patience 600.0 s)", talk.PassAtWork(20, (1, Waits with { Step = 0 }), (2, Computes with { Step = 1 }))[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Tick_AnEvaluation_HasHalfAnHour()
    {
        var talk = AtStep(5, 2);
        Assert.Equal([], talk.PassAtWork(1790, (1, Evaluates), (2, Waits)));
        Assert.Contains("it has evaluated step 5 for 1800.0 s", talk.PassAtWork(20, (1, Evaluates), (2, Waits))[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 4000, false)] // nobody is given up
    [InlineData(5, 19, false)] // 20 usual steps of a second
    [InlineData(5, 22, true)]
    [InlineData(100, 98, false)]
    [InlineData(100, 102, true)]
    public void Tick_HangSeconds_IsTheLeast(int hangSeconds, int seconds, bool expected)
    {
        var job = Job(desired: 2);
        var talk = AtStep(5, 2, job with { Workers = job.Workers with { HangSeconds = hangSeconds } });
        Assert.Equal(expected, talk.PassAtWork(seconds, (1, Waits), (2, Computes)).Length > 0);
    }

    /// <summary>What makes it hang would make every other worker hang that gets its ranks.</summary>
    [Fact]
    public void Tick_TheThirdHangsInTheSamePass_TheRunFailsAndSaysWhere()
    {
        var talk = AtStep(5, 4, Job(desired: 4));
        talk.PassAtWork(Patience + 1, (1, Waits), (2, Computes), (3, Waits), (4, Waits));
        Regroup(2, 1, 3, 4);
        talk.PassAtWork(Patience + 1, (1, Waits), (3, Computes), (4, Waits));
        Regroup(3, 1, 4);

        var effects = talk.PassAtWork(Patience + 1, (1, Waits), (4, Computes));

        Assert.StartsWith("evict w-4 to start afresh: ", effects[0]);
        Assert.Contains(effects, effect => effect.StartsWith("tell w-1 Abort", StringComparison.Ordinal) && effect.Contains("w-2, w-3, w-4 hung at the same piece of work; of the last, its training thread hangs: it has computed logical rank 3 of step 6", StringComparison.Ordinal));
        Assert.IsType<RunPhase.Aborting>(talk.RunState.Phase);

        void Regroup(int generation, params int[] left)
        {
            foreach (var worker in left)
            {
                talk.Say(worker, Fenced(generation, 5));
            }

            Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
        }
    }

    [Fact]
    public void Tick_AStepIsCommittedBetweenTwoHangs_TheyAreCountedAnew()
    {
        var talk = AtStep(5, 4, Job(desired: 4));
        talk.PassAtWork(Patience + 1, (1, Waits), (2, Computes), (3, Waits), (4, Waits));
        Assert.Single(talk.RunState.Hangs);
        foreach (var worker in (int[])[1, 3, 4])
        {
            talk.Say(worker, Fenced(2, 5));
        }

        foreach (var worker in (int[])[1, 3, 4])
        {
            talk.Say(worker, Progress(6, generation: 2));
        }

        Assert.Empty(talk.RunState.Hangs);
    }

    /// <summary>A coordinator that was away, or a network that held the heartbeats up, makes no piece of work longer.</summary>
    [Fact]
    public void Hear_TheSameWorkAfterAnHour_CountsAsHalfASecond()
    {
        var pulse = Pulse.First(1, default).Hear(new WorkerMessage.Heartbeat(Computes), default);
        Assert.Equal(TimeSpan.FromSeconds(0.5), pulse.Hear(new WorkerMessage.Heartbeat(Computes), default(DateTimeOffset) + TimeSpan.FromHours(1)).Held);
        Assert.Equal(TimeSpan.Zero, pulse.Hear(new WorkerMessage.Heartbeat(Waits), default(DateTimeOffset) + TimeSpan.FromHours(1)).Held);
    }

    /// <summary>A worker far slower than the members it joined has its own steps to be measured by.</summary>
    [Fact]
    public void Patience_AMemberSlowerThanTheRun_IsMeasuredByItsOwnSteps()
    {
        var talk = AtStep(5, 2);
        var slow = talk.RunState with { Paces = talk.RunState.Paces.SetItem(new WorkerId("w-2"), new(10, 5, talk.Now)) };
        Assert.Equal(TimeSpan.FromSeconds(20 * 10 * 4), HangRule.Patience(slow, slow.Crew!, new WorkerId("w-2"), Computes, new RunWaits()));
        Assert.Equal(TimeSpan.FromSeconds(Patience), HangRule.Patience(slow, slow.Crew!, new WorkerId("w-1"), Computes, new RunWaits()));
    }
}
