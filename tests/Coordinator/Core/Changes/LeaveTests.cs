using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Changes;

public sealed class LeaveTests
{
    private static WorkerMessage.Left Left(long generation, long step) => new(new Generation(generation), step);

    private static WorkerMessage.LinkBroken Broken(long generation, int peer) => new(new Generation(generation), WorkerId.FromNumber(peer), "it was withdrawn");

    [Fact]
    public void Leaving_OneOfThree_IsLeftOutBehindAStepAndThenReleased()
    {
        var talk = AtStep(5, 3);

        const string Members = "Switch G2: w-1=[0,4) w-3=[4,8)";
        Assert.Equal(
            ["note: w-2 wants to leave: SIGTERM", $"tell w-1 {Members}", $"tell w-2 {Members}", $"tell w-3 {Members}", "timer Change G2 120 s"],
            talk.Say(2, new WorkerMessage.Leaving("SIGTERM")));
        talk.Say(1, Entered(2, 7));
        Assert.Equal([], talk.Say(3, Entered(2, 7)));
        Assert.Equal(
            [
                "record GenerationFormed G2 7..100", "record WorkerReady w-1 [0,1,2,3]", "record WorkerReady w-3 [4,5,6,7]",
                "record WorkerLeft w-2 at 5: it left behind a step, and nothing was lost", "tell w-2 Release",
            ],
            talk.Say(2, Left(2, 7)));
        Assert.Equal(0, talk.RunState.LostLogicalRankSteps);
    }

    [Fact]
    public void Leaving_IsLostWhenAllOthersHaveEntered_NobodyRegroups()
    {
        var talk = AtStep(5, 3);
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Entered(2, 7));
        talk.Say(3, Entered(2, 7));

        Assert.Equal(["record WorkerLost w-2 at 5: its stream broke", "record GenerationFormed G2 7..100"], talk.Lose(2)[..2]);
    }

    /// <summary>The others take down the former generation's shared memory when they have entered; the leaver was still reading there.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(1, 2)]
    public void Leaving_ItsLinkBreaksWhenAllOthersHaveEntered_HasLeft(int reporter, int peer)
    {
        var talk = AtStep(5, 3);
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Entered(2, 7));
        talk.Say(3, Entered(2, 7));

        var effects = talk.Say(reporter, Broken(1, peer));
        Assert.Equal("record GenerationFormed G2 7..100", effects[0]);
        Assert.Equal(["record WorkerLeft w-2 at 5: it left behind a step, and nothing was lost", "tell w-2 Release"], effects[^2..]);
    }

    [Fact]
    public void Leaving_ItsLinkBreaksAndThenTheLastOtherEnters_HasLeft()
    {
        var talk = AtStep(5, 3);
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Entered(2, 7));
        Assert.Equal(["timer Link G1 0.3 s"], talk.Say(2, Broken(1, 1)));

        Assert.Equal("tell w-2 Release", talk.Say(3, Entered(2, 7))[^1]);
        Assert.DoesNotContain(talk.Fire(RunTimer.Link, 1), line => line.Contains("Fence", StringComparison.Ordinal));
    }

    /// <summary>A link of two who stay, in the generation that comes, is judged in it.</summary>
    [Fact]
    public void Leaving_ALinkOfTheOthersBreaksMeanwhile_IsMadeAnewInTheNextGeneration()
    {
        var talk = AtStep(5, 3);
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Entered(2, 7));
        talk.Say(3, Entered(2, 7));
        talk.Say(1, Broken(2, 3));

        Assert.Contains("timer Link G2 0.3 s", talk.Say(2, Left(2, 7)));
        Assert.StartsWith("tell w-1 Fence G3: The link between w-1 and w-3 broke", talk.Fire(RunTimer.Link, 2)[0]);
    }

    /// <summary>The members were fenced while one was leaving that they had gone on without.</summary>
    [Fact]
    public void Leaving_IsTwoStepsBehindAtAFence_HasLeft()
    {
        var talk = AtStep(5, 3);
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Entered(2, 7));
        talk.Say(3, Entered(2, 7));
        talk.Say(1, Broken(2, 3));
        talk.Fire(RunTimer.Link, 1);
        talk.Say(1, Fenced(3, 8));
        talk.Say(2, Fenced(3, 6));

        Assert.Equal(
            ["record WorkerLeft w-2 at 5: it was leaving when G3 was formed, and nobody needed it", "tell w-2 Release"],
            talk.Say(3, Fenced(3, 8))[..2]);
        Assert.DoesNotContain(new WorkerId("w-2"), talk.RunState.Leavers);
    }

    [Fact]
    public void Leaving_IsLostBefore_IsAFailureOfBoth()
    {
        var talk = AtStep(5, 3);
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Entered(2, 7));

        Assert.StartsWith("tell w-1 Fence G3", talk.Lose(2)[1]);
    }

    [Fact]
    public void Leaving_TheLastOne_WritesACheckpointAndTheRunWaits()
    {
        var talk = AtStep(5, 1);

        Assert.Equal(["note: w-1 wants to leave: SIGTERM", "tell w-1 PrepareEnd G1"], talk.Say(1, new WorkerMessage.Leaving("SIGTERM")));
        talk.Say(1, Saved(6));
        var effects = talk.Say(1, Finished(6));
        Assert.Equal("record RunPaused: w-1 leaves; 0 of at least 1 workers are left. The run waits for others. It goes on from its checkpoint of step 6 when there are enough.", effects[1]);
        Assert.Equal("tell w-1 Release", effects[2]);
        Assert.Contains("tell w-2 Prepare G2 avx2 from /ck/step-6", talk.Attach());
        Assert.EndsWith("Activate G2 6..100/100: w-2=[0,8)", talk.Say(2, Prepared(2, appliedSteps: 6))[^1]);
    }

    [Fact]
    public void Leaving_BelowMin_AllWriteACheckpointAndWait()
    {
        var talk = AtStep(5, 2, Job(min: 2));

        Assert.Equal(["tell w-1 PrepareEnd G1", "tell w-2 PrepareEnd G1"], talk.Say(2, new WorkerMessage.Leaving("SIGTERM"))[1..]);
        talk.Say(2, Finished(6));
        talk.Say(1, Saved(6));
        Assert.StartsWith("record RunPaused: w-2 leaves; 1 of at least 2 workers is left.", talk.Say(1, Finished(6))[1]);
        Assert.IsType<RunPhase.Queued>(talk.RunState.Phase);
    }

    [Fact]
    public void Drain_AMember_LeavesAndIsNotTakenAgain()
    {
        var talk = AtStep(5, 2);
        talk.Drain(2);
        talk.Say(1, Entered(2, 6));

        Assert.Equal("tell w-2 Release", talk.Say(2, Left(2, 6))[^1]);
        Assert.True(talk.State.Workers[new WorkerId("w-2")].IsLeaving);
        Assert.Empty(talk.RunState.Joiners);
    }

    [Fact]
    public void Drain_AFreeWorker_GetsNoRun()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Drain(1);

        Assert.Equal(["record RunQueued"], talk.Submit(Job(desired: 1)));
    }

    [Fact]
    public void Drain_NobodyOfThatName_IsSaid() => Assert.Equal(["note: No worker w-7 is attached."], new Conversation().Drain(7));

    [Fact]
    public void Scale_Down_TheNewestLeave()
    {
        var talk = AtStep(5, 3);

        Assert.Equal(["record RunScaled 2", "tell w-1 Switch G2: w-1=[0,4) w-2=[4,8)"], [talk.Scale(2)[0], talk.Say(1, Progress(6))[^4]]);
        talk.Say(1, Entered(2, 7));
        talk.Say(2, Entered(2, 7));
        Assert.Equal("tell w-3 Release", talk.Say(3, Left(2, 7))[^1]);
        Assert.Empty(talk.RunState.Joiners);
    }

    /// <summary>A loss makes room for one that is just leaving; but its process ends when it is released, so only another can take the place.</summary>
    [Fact]
    public void Scale_DownAndOneIsLostMeanwhile_WhoLeavesIsNotTakenAgain()
    {
        var talk = AtStep(5, 3, launcher: "me");
        talk.Scale(2);
        talk.Say(1, Entered(2, 7));
        talk.Say(2, Entered(2, 7));
        talk.Lose(2);
        talk.Say(1, Fenced(3, 8));
        talk.Say(3, Fenced(3, 7));
        talk.Say(1, Progress(9, generation: 3));
        talk.Say(1, Entered(3, 8));
        talk.Say(3, Entered(3, 8));
        talk.Say(1, Entered(4, 9));

        Assert.Equal("tell w-3 Release", talk.Say(3, Left(4, 9))[^1]);
        Assert.Empty(talk.RunState.Joiners);
        Assert.Contains("tell w-4 Prepare G4 avx2", talk.Attach(launcher: "me"));
    }

    [Fact]
    public void Scale_Up_FreeWorkersJoin()
    {
        var talk = AtStep(5, 2, launcher: "me");
        talk.Attach(launcher: "me");

        Assert.Equal(["record RunScaled 3", "record WorkerJoining w-3 at 5", "tell w-3 Prepare G1 avx2"], talk.Scale(3));
    }

    [Theory]
    [InlineData(1, "1 is below workers.min, which is 2 for run run. Ask for 2 or more.")]
    [InlineData(9, "9 is above workers.max, which is 8 for run run. Ask for 8 or fewer.")]
    public void Scale_OutOfBounds_IsRefusedWithTheBound(int desired, string reason)
    {
        var talk = AtStep(1, 2, Job(min: 2));

        Assert.Equal([$"note: {reason}"], talk.Scale(desired));
        Assert.Equal(2, talk.RunState.Scale.Desired);
    }
}
