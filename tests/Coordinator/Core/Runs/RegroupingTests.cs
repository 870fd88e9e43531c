using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

/// <summary>A member is lost while the run trains: the others go on, and only its ranks of the undecided step are computed again.</summary>
public sealed class RegroupingTests
{
    private const string Lost2 = "Worker w-2 (pid 102 on host) was lost at step 57: its stream broke.";

    [Fact]
    public void Lost_OneOfThree_TheOthersKeepTheirRanksAndShareThoseOfTheLost()
    {
        var talk = AtStep(57, 3);

        Assert.Equal(
            ["record WorkerLost w-2 at 57: its stream broke", $"tell w-1 Fence G2: {Lost2}", $"tell w-3 Fence G2: {Lost2}", "timer Fence G2 30 s"], talk.Lose(2));
        Assert.Equal([], talk.Say(1, Fenced(2, 57, (0, 2))));
        const string Members = "Activate G2 57..100/100: w-1=[0,4)(0-2) w-3=[4,8)(3-7)";
        Assert.Equal(
            [
                "record GenerationFormed G2 57..100", "record WorkerReady w-1 [0,1,2,3]", "record WorkerReady w-3 [4,5,6,7]", $"tell w-1 {Members}", $"tell w-3 {Members}",
            ],
            talk.Say(3, Fenced(2, 57, (5, 8))));
        Assert.Equal($"{Lost2} 2 workers go on in G2; 3 logical ranks of step 58 are computed again.", talk.RunState.Reason);
        Assert.Equal((2, 3L), (talk.RunState.FormedGenerations, talk.RunState.LostLogicalRankSteps));
    }

    [Fact]
    public void Fenced_OneIsBehind_ADonorGivesItTheStepAndItsRanksAreDealtOut()
    {
        var talk = AtStep(57, 3);
        talk.Lose(2);
        talk.Say(1, Fenced(2, 58, (0, 2)));

        // w-3 has not decided step 58: nobody holds its ranks of step 59, and that is no loss.
        Assert.Equal("tell w-1 Activate G2 58..100/100: w-1=[0,4)(0-4) w-3=[4,8)(5-7); 0 gives to 1", talk.Say(3, Fenced(2, 57, (5, 8)))[^2]);
        Assert.Equal(3, talk.RunState.LostLogicalRankSteps);
    }

    [Fact]
    public void Fenced_TheLostOnesStepWasDecidedByTheOthers_NothingIsLostButTheStepAfter()
    {
        var talk = AtStep(57, 2);
        talk.Lose(2);

        Assert.Equal("tell w-1 Activate G2 58..100/100: w-1=[0,8)(0-7)", talk.Say(1, Fenced(2, 58, (0, 4)))[^1]);
        Assert.Equal(4, talk.RunState.LostLogicalRankSteps);
    }

    [Fact]
    public void Fenced_TwoClaimARank_TheLowerIdHasIt()
    {
        var talk = AtStep(57, 3);
        talk.Lose(2);
        talk.Say(1, Fenced(2, 57, (0, 6)));

        Assert.EndsWith("w-1=[0,4)(0-5) w-3=[4,8)(6-7)", talk.Say(3, Fenced(2, 57, (4, 8)))[^1]);
    }

    [Fact]
    public void Fenced_OfAnOlderFence_DoesNotCount()
    {
        var talk = AtStep(57, 3);
        talk.Lose(2);
        talk.Say(1, Fenced(2, 57, (0, 2)));
        talk.Lose(3);

        Assert.Equal(["note: Fenced of w-1 changes nothing while run run is Regrouping."], talk.Say(1, Fenced(2, 57, (0, 2))));
        Assert.Equal("tell w-1 Activate G3 57..100/100: w-1=[0,8)(0-7)", talk.Say(1, Fenced(3, 57, (0, 2)))[^1]);
        Assert.Equal((2, 6L), (talk.RunState.FormedGenerations, talk.RunState.LostLogicalRankSteps));
    }

    [Fact]
    public void Lost_AgainWhileRegrouping_BothAreNamed()
    {
        var talk = AtStep(57, 3);
        talk.Lose(2);

        Assert.Equal(
            [
                "record WorkerLost w-3 at 57: its stream broke",
                $"tell w-1 Fence G3: {Lost2} Worker w-3 (pid 103 on host) was lost at step 57: its stream broke.", "timer Fence G3 30 s",
            ],
            talk.Lose(3));
    }

    [Fact]
    public void Lost_AllAtOnce_TheRunWaitsAndStartsFromItsLastCheckpoint()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Saved(50));
        talk.Lose(2);

        Assert.Equal(
            [
                "record WorkerLost w-1 at 57: its stream broke",
                $"record RunPaused: {Lost2} Worker w-1 (pid 101 on host) was lost at step 57: its stream broke. No worker is left; the run waits for others and goes on from its checkpoint of step 50.",
            ],
            talk.Lose(1)[..2]);
        talk.Attach();
        Assert.Contains("tell w-4 Prepare G3 avx2 from /ck/step-50", talk.Attach());
        talk.Say(3, Prepared(3, appliedSteps: 50));
        var formed = talk.Say(4, Prepared(3, appliedSteps: 50));
        const string Again = "The run begins again behind step 50 (/ck/step-50): 7 committed steps were lost with the last worker that held them.";
        Assert.StartsWith("record RunResumed after ", formed[0]);
        Assert.Contains($"record StepsLost 7 behind 50: {Again}", formed);
        Assert.Equal($"2 workers train steps 51 to 100. {Again}", talk.RunState.Reason);
        Assert.EndsWith("Activate G3 50..100/100: w-3=[0,4) w-4=[4,8)", formed[^1]);
        Assert.Equal(50, talk.RunState.Progress.Step);
    }

    /// <summary>The network between the coordinator and all of its workers was away until every stream had ended. They had trained on, and the run began again at its last checkpoint all the same.</summary>
    [Fact]
    public void Lost_TheStreamsOfAllAndOneComesBack_TheRunGoesOnWithWhatItHolds()
    {
        var talk = AtStep(57, 2);
        talk.Lose(2);
        talk.Lose(1);
        Assert.IsType<RunPhase.Queued>(talk.RunState.Phase);

        Assert.Equal(["admit w-1", "timer Return G2 2 s"], talk.Return(1, generation: 1));
        Assert.Equal(
            ["tell w-1 Fence G3: The streams of all members had ended; 1 of 2 came back with the run's state.", "timer Fence G3 30 s"], talk.Fire(RunTimer.Return, 2));
        var formed = talk.Say(1, Fenced(3, 60, (0, 4)));
        Assert.StartsWith("record RunResumed after ", formed[0]);
        Assert.Equal("tell w-1 Activate G3 60..100/100: w-1=[0,8)(0-7)", formed[^1]);

        // The other one is free, and joins.
        Assert.Contains("tell w-3 Prepare G3 avx2", talk.Attach(2, generation: 1));
    }

    /// <summary>A worker sees sooner than the coordinator that nobody answers, and its next stream may come before the end of the former one.</summary>
    [Fact]
    public void Attach_AMemberWhoseFormerStreamHasNotEnded_ComesBackWithWhatItHolds()
    {
        var talk = AtStep(57, 1);

        var back = talk.Return(1, generation: 1);

        Assert.Equal("record WorkerLost w-1 at 57: it has come back by another stream", back[0]);
        Assert.StartsWith("record RunPaused: ", back[1]);
        Assert.Equal(
            ["admit w-1", "timer Return G1 2 s", "tell w-1 Fence G2: The streams of all members had ended; 1 of 1 came back with the run's state.", "timer Fence G2 30 s"], back[2..]);
        Assert.EndsWith("w-1=[0,8)(0-7)", talk.Say(1, Fenced(2, 60, (0, 8)))[^1]);
    }

    /// <summary>Members had ended after a step because one left; nobody had said that their checkpoint was written when all streams ended. The run was over, as if a person had stopped it.</summary>
    [Fact]
    public void Lost_TheStreamsOfAllThatHadEndedForALeaver_TheRunStillWaitsForOthers()
    {
        var talk = AtStep(5, 2, Job(min: 2));
        talk.MissNoLedger();
        talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        talk.Say(1, Finished(6));
        talk.Say(2, Finished(6));
        talk.Lose(2);
        talk.Lose(1);
        talk.Attach(1, generation: 1);
        talk.Say(1, Saved(6));
        talk.Say(1, Finished(6));
        talk.Say(1, new WorkerMessage.CaughtUp());

        var effects = talk.Fire(RunTimer.Return, 1);

        Assert.Contains(effects, effect => effect.StartsWith("record RunPaused: w-2 leaves; ", StringComparison.Ordinal) && effect.EndsWith("It goes on from its checkpoint of step 6 when there are enough.", StringComparison.Ordinal));
        Assert.IsType<RunPhase.Queued>(talk.RunState.Phase);
    }

    [Fact]
    public void Lost_TheStreamsOfAllAndOthersHaveBegun_WhoeverComesBackIsFree()
    {
        var talk = AtStep(57, 1);
        talk.Lose(1);
        talk.Attach();
        Assert.IsType<RunPhase.Preparing>(talk.RunState.Phase);

        Assert.Equal(["admit w-3"], talk.Attach(1, generation: 1));
        Assert.Null(talk.RunState.LastCrew);
    }

    [Fact]
    public void Lost_TheOneThatCameBackAgain_AnotherMayComeBack()
    {
        var talk = AtStep(57, 2);
        talk.Lose(2);
        talk.Lose(1);
        talk.Attach(1, generation: 1);
        talk.Lose(1);
        Assert.Equal(["admit w-2", "tell w-2 Fence G3: The streams of all members had ended; 1 of 1 came back with the run's state."], talk.Return(2, generation: 1)[..2]);
    }

    [Fact]
    public void Lost_TheOnlyWorkerWithoutACheckpoint_StartsFromTheBeginning()
    {
        var talk = Training(1);
        talk.Lose(1);

        Assert.Contains("tell w-2 Prepare G2 avx2", talk.Attach());
    }

    [Fact]
    public void Lost_AllWithoutACheckpoint_TheEventsAndTheReasonSayWhatIsLost()
    {
        var talk = AtStep(57, 1);
        talk.Lose(1);
        talk.Attach();

        var formed = talk.Say(2, Prepared(2));

        Assert.Contains("record StepsLost 57 behind 0: The run begins again behind step 0, for there is no checkpoint: 57 committed steps were lost with the last worker that held them.", formed);
        Assert.Contains("57 committed steps were lost", talk.RunState.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Prepared_AgainWithOtherArithmetic_IsRefused()
    {
        var talk = Training(1);
        talk.Lose(1);
        talk.Attach();

        Assert.Contains("fingerprint libtorch is 2.0 and not 1.13", talk.Say(2, Prepared(2, libtorch: "2.0"))[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Lost_BelowMin_ThePauseKeepsTheMembersAndAJoinerEndsIt()
    {
        var talk = AtStep(57, 2, Job(min: 2));
        talk.Lose(2);

        Assert.Equal(
            [$"record RunPaused: {Lost2} 1 of at least 2 workers is left: the run is paused and goes on when there are enough."], talk.Say(1, Fenced(2, 57, (0, 4))));
        Assert.Equal(["admit w-3", "record WorkerJoining w-3 at 57", "tell w-3 Prepare G1 avx2"], talk.Attach());
        Assert.Equal(["tell w-3 Follow 1", "tell w-1 Feed 1 to w-3"], talk.Say(3, Prepared(1)));
        Assert.Equal(["tell w-1 Fence G3: " + Lost2, "tell w-3 Fence G3: " + Lost2, "timer Fence G3 30 s"], talk.Say(3, new WorkerMessage.Followed(1, 57)));
        talk.Say(1, Fenced(3, 57, (0, 4)));
        var formed = talk.Say(3, new WorkerMessage.Fenced(new Generation(3), 57, [], false));
        Assert.StartsWith("record RunResumed after ", formed[0]);
        Assert.Equal("tell w-3 Activate G3 57..100/100: w-1=[0,4)(0-5) w-3=[4,8)(6-7)", formed[^1]);
    }

    /// <summary>It waited for others as long as nobody came, its host was taken away in the end, and with it all that had been trained since the last checkpoint.</summary>
    [Fact]
    public void Leaving_WhilePaused_WritesWhatItHoldsAndGoes()
    {
        var talk = AtStep(57, 2, Job(min: 2));
        talk.Lose(2);
        talk.Say(1, Fenced(2, 57, (0, 4)));
        Assert.IsType<RunPhase.Paused>(talk.RunState.Phase);

        Assert.Equal(["note: w-1 wants to leave: SIGTERM", "tell w-1 Fence G3: " + Lost2, "timer Fence G3 30 s"], talk.Say(1, new WorkerMessage.Leaving("SIGTERM")));
        ExpectTheLeaverToWriteAndGo(talk, 3);
    }

    [Fact]
    public void Leaving_BeforeTheOthersAreTooFew_WritesWhatItHoldsAndGoes()
    {
        var talk = AtStep(57, 2, Job(min: 2));
        talk.Lose(2);
        talk.Say(1, new WorkerMessage.Leaving("SIGTERM"));
        ExpectTheLeaverToWriteAndGo(talk, 2);
    }

    private static void ExpectTheLeaverToWriteAndGo(Conversation talk, long generation)
    {
        var formed = talk.Say(1, Fenced(generation, 57, (0, 4)));
        Assert.Equal($"tell w-1 Activate G{generation} 57..100/100: w-1=[0,8)(0-7)", formed[^1]);
        Assert.Equal([$"tell w-1 PrepareEnd G{generation}"], talk.Say(1, Entered(generation, 57)));
        talk.MissNoLedger();
        talk.Say(1, Saved(58, generation: generation));
        var ended = talk.Say(1, Finished(58, generation: generation));
        Assert.Contains("record RunPaused: w-1 leaves while fewer than 2 workers are there. The run waits for others. It goes on from its checkpoint of step 58 when there are enough.", ended);
        Assert.Contains("tell w-1 Release", ended);
    }

    [Fact]
    public void Stop_WhilePaused_ThoseWhoAreLeftWriteACheckpointAndEnd()
    {
        var talk = AtStep(57, 2, Job(min: 2));
        talk.Lose(2);
        talk.Say(1, Fenced(2, 57, (0, 4)));

        Assert.Equal(["record RunStopping", "tell w-1 Fence G3: " + Lost2, "timer Fence G3 30 s"], talk.Stop());
        Assert.StartsWith("tell w-1 Activate G3 57", talk.Say(1, Fenced(3, 57, (0, 4)))[^1]);
        Assert.Equal(["tell w-1 PrepareEnd G3"], talk.Say(1, Entered(3, 57)));
        talk.Say(1, Saved(58, generation: 3));
        Assert.Equal("end Stopped 0: Stopped by a test. It ended after step 58 of 100.", talk.Say(1, Finished(58, generation: 3))[^1]);
    }

    [Fact]
    public void Stop_WhileRegrouping_IsAskedForInTheNewGeneration()
    {
        var talk = AtStep(57, 2);
        talk.Lose(2);

        Assert.Equal(["record RunStopping"], talk.Stop());
        talk.Say(1, Fenced(2, 57, (0, 4)));
        Assert.Equal(["tell w-1 PrepareEnd G2"], talk.Say(1, Entered(2, 57)));
    }

    [Fact]
    public void Failed_Internal_IsReleasedAndCountsAsLost()
    {
        var talk = AtStep(57, 2);

        Assert.Equal(
            [
                "record WorkerFailed w-1 at 57: a bug.", "record WorkerLost w-1 at 57: it failed (a bug)", "tell w-1 Release",
                "tell w-2 Fence G2: Worker w-1 (pid 101 on host) failed at step 58: a bug.", "timer Fence G2 30 s",
            ],
            talk.Say(1, new WorkerMessage.Failed(new Generation(1), 57, "a bug.", FailureKind.Internal)));
    }

    [Fact]
    public void Failed_EverybodyByThemselves_TheRunFailsWithTheFirstError()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, new WorkerMessage.Failed(new Generation(1), 57, "no disk.", FailureKind.Environment));

        Assert.StartsWith(
            "end Failed 1: Worker w-1 (pid 101 on host) failed at step 58: no disk.",
            talk.Say(2, new WorkerMessage.Failed(new Generation(1), 57, "no disk.", FailureKind.Environment))[^1]);
    }

    [Fact]
    public void Progress_OfTheFormerGeneration_CountsAfterTheChange()
    {
        var talk = AtStep(57, 2);
        talk.Say(1, Progress(58));
        talk.Lose(2);

        Assert.Equal("step 58: loss 1, 32 samples, 100 bytes", talk.Say(1, Fenced(2, 58, (0, 4)))[0]);
        Assert.Equal(58, talk.RunState.Progress.Step);
    }

    [Fact]
    public void Rate_OverAChangeOfMembers_GoesOn()
    {
        var talk = AtStep(57, 2);
        var @base = talk.RunState.Progress.Rate.Base;
        talk.Lose(2);
        talk.Say(1, Fenced(2, 57, (0, 4)));
        talk.Say(1, Progress(58, generation: 2));

        Assert.Equal(@base, talk.RunState.Progress.Rate.Base);
        Assert.Equal(58, talk.RunState.Progress.Rate.HighestStep);
    }

    [Fact]
    public void Rate_StepsTakenAgain_CostTimeAndBringNoSamples()
    {
        var clock = RateClock.Start(0, default);
        for (var step = 1; step <= 10; step++)
        {
            clock = clock.Tick(step, 10, default(DateTimeOffset).AddSeconds(step));
        }

        // Back at step 7: three steps again, then two new ones.
        for (var step = 8; step <= 12; step++)
        {
            clock = clock.Tick(step, 10, default(DateTimeOffset).AddSeconds(10 + step));
        }

        Assert.Equal(70 / 17.0, clock.Overall!.Value, 1e-12);
    }

    [Fact]
    public void Fence_OneDoesNotAnswer_IsGivenUp()
    {
        var talk = AtStep(57, 3);
        talk.Lose(2);
        talk.Say(1, Fenced(2, 57, (0, 2)));

        var effects = talk.Fire(RunTimer.Fence, 2);

        Assert.Equal("evict w-3: it did not answer the fence of G2 within 30 s", effects[0]);
        Assert.StartsWith("tell w-1 Fence G3", effects[2]);
        Assert.DoesNotContain(new WorkerId("w-3"), talk.State.Workers.Keys);
    }

    [Fact]
    public void Lost_BehindTheLastStep_TheOthersFinishAndOneOfThemWritesTheCheckpoint()
    {
        // w-1 would have written it; w-2 has finished, w-3 lacks the last step.
        var talk = AtStep(57, 3);
        talk.Say(2, Finished(100));
        talk.Lose(1);
        talk.Say(2, Fenced(2, 100));

        Assert.Equal("tell w-3 Activate G2 100..100/100: w-2=[0,4)(0-3) w-3=[4,8)(4-7); 0 gives to 1", talk.Say(3, Fenced(2, 99, (5, 8)))[^1]);
        Assert.Equal(["record WorkerFinished", "tell w-2 SaveCheckpoint G2", "timer Save G2 1800 s"], talk.Say(3, Finished(100, generation: 2)));
        Assert.Equal("end Succeeded 0: All 100 steps are applied.", talk.Say(2, Saved(100, generation: 2))[^1]);
        Assert.Equal(0, talk.RunState.LostLogicalRankSteps);
    }

    [Fact]
    public void Lost_AfterAStopWithOneFinished_TheOthersEndAtThatStep()
    {
        var talk = AtStep(57, 2);
        talk.Stop();
        talk.Say(2, Finished(58));
        talk.Lose(1);

        Assert.StartsWith("tell w-2 SaveCheckpoint", talk.RunState.Phase is RunPhase.Running { Saver: not null } ? "tell w-2 SaveCheckpoint" : "no");
        Assert.Equal("end Stopped 0: Stopped by a test. It ended after step 58 of 100.", talk.Say(2, Saved(58))[^1]);
    }
}
