using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

public sealed class RunningTests
{
    [Fact]
    public void Progress_OfAllMembers_CompletesTheStepOnce()
    {
        var talk = Training(2);

        Assert.Equal([], talk.Say(1, Progress(1, loss: 2)));
        Assert.Equal(["step 1: loss 2, 32 samples, 200 bytes"], talk.Say(2, Progress(1, loss: 2)));
        Assert.Equal(1, talk.RunState.Progress.Step);
    }

    [Fact]
    public void Progress_OneMemberAhead_StepsCompleteInOrder()
    {
        var talk = Training(2);
        talk.Say(1, Progress(1));
        talk.Say(1, Progress(2));

        Assert.Equal(["step 1: loss 1, 32 samples, 200 bytes"], talk.Say(2, Progress(1)));
        Assert.Equal(["step 2: loss 1, 32 samples, 200 bytes"], talk.Say(2, Progress(2)));
    }

    [Fact]
    public void Progress_Repeated_CountsOnce()
    {
        var talk = Training(1);
        talk.Say(1, Progress(1));

        Assert.Equal([], talk.Say(1, Progress(1)));
        Assert.Equal(1.0, talk.RunState.Progress.Loss);
    }

    [Fact]
    public void Progress_StandbyMember_IsNotWaitedFor()
    {
        var talk = Training(3, Job(desired: 3, logicalRanks: 2));
        talk.Say(1, Progress(1));

        Assert.Equal(["step 1: loss 1, 32 samples, 200 bytes"], talk.Say(2, Progress(1)));
    }

    [Fact]
    public void Loss_OfManySteps_IsTheMeanOfTheLastTen()
    {
        var talk = Training(1);
        for (var step = 1; step <= 25; step++)
        {
            talk.Say(1, Progress(step, loss: step));
        }

        Assert.Equal(20.5, talk.RunState.Progress.Loss);
        Assert.True(talk.RunState.Progress.Pending.IsEmpty);
    }

    [Fact]
    public void Rate_OfTheRun_CountsFromTheEndOfStepFive()
    {
        var talk = Training(1);
        for (var step = 1; step <= 15; step++)
        {
            talk.Say(1, Progress(step, samples: 32));
        }

        // A second between events: ten steps of 32 samples in ten seconds.
        Assert.Equal(32.0, talk.RunState.Progress.Rate.Overall);
        Assert.Equal(talk.Now - TimeSpan.FromSeconds(10), talk.RunState.Progress.Rate.Base.At);
    }

    [Fact]
    public void Evaluated_BySeveralMembers_IsRecordedOnce()
    {
        var talk = Training(2);
        var evaluated = new WorkerMessage.Evaluated(new Generation(1), 10, 0.5, 0.9, 100);

        Assert.Equal(["record Evaluated"], talk.Say(1, evaluated));
        Assert.Equal([], talk.Say(2, evaluated));
        Assert.Equal(new HeldOut(10, 0.5, 0.9), talk.RunState.Progress.HeldOut);
    }

    [Fact]
    public void Digests_Equal_AreRecordedWhenComplete()
    {
        var talk = Training(2);

        Assert.Equal([], talk.Say(1, new WorkerMessage.StateDigest(new Generation(1), 10, "h")));
        Assert.Equal(["record StateCompared 10 h"], talk.Say(2, new WorkerMessage.StateDigest(new Generation(1), 10, "h")));
    }

    [Fact]
    public void Digests_Differ_TheRunFailsAndNobodySavesThatState()
    {
        var talk = Training(3);
        talk.Say(1, Saved(50));
        talk.Say(1, new WorkerMessage.StateDigest(new Generation(1), 60, "aaa"));
        talk.Say(3, new WorkerMessage.StateDigest(new Generation(1), 60, "aaa"));

        const string Reason = "The members' state differs at step 60: w-1, w-3 have aaa; w-2 has bbb. This must not happen with one fingerprint; check the memory of these hosts, and report it with the run folder.";
        Assert.Equal(
            [$"tell w-1 Abort G1: {Reason}", $"tell w-2 Abort G1: {Reason}", $"tell w-3 Abort G1: {Reason}", "timer Abort G1 60 s"],
            talk.Say(2, new WorkerMessage.StateDigest(new Generation(1), 60, "bbb")));
        talk.Say(1, new WorkerMessage.Aborted(new Generation(1), 60));
        talk.Say(2, new WorkerMessage.Aborted(new Generation(1), 60));
        Assert.Equal(
            [
                "record RunEnded", "tell w-1 Release", "tell w-2 Release", "tell w-3 Release",
                $"end Failed 1: {Reason} Checkpoint step-00000050 has the state of step 50. To go on, type: ./orchestrator run job.yaml --resume /ck/step-50",
            ],
            talk.Say(3, new WorkerMessage.Aborted(new Generation(1), 60)));
    }

    [Fact]
    public void Finished_AllWithTheSameWeights_Succeeds()
    {
        var talk = Training(2);

        Assert.Equal(["record CheckpointSaved 100 by w-1"], talk.Say(1, Saved(100)));
        Assert.Equal(["record WorkerFinished"], talk.Say(1, Finished(100)));
        Assert.Equal(
            ["record WorkerFinished", "record RunEnded", "tell w-1 Release", "tell w-2 Release", "end Succeeded 0: All 100 steps are applied."], talk.Say(2, Finished(100)));
        Assert.Equal("w100", Assert.IsType<RunPhase.Ended>(talk.RunState.Phase).Outcome.WeightsSha256);
    }

    [Fact]
    public void Finished_WithOtherWeights_FailsNamingBoth()
    {
        var talk = Training(2);
        talk.Say(1, Saved(100));
        talk.Say(1, Finished(100));

        Assert.Equal(
            "end Failed 1: The members ended with different weights: w-1 with w100 at step 100; w-2 with odd at step 100. This must not happen with one fingerprint; report it with the run folder.",
            talk.Say(2, Finished(100, "odd"))[^1]);
    }

    [Fact]
    public void Finished_WithoutACheckpoint_AMemberIsAskedForIt()
    {
        var talk = Training(2);
        talk.Say(1, Finished(100));

        Assert.Equal(["record WorkerFinished", "tell w-1 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Say(2, Finished(100)));
        Assert.Equal("end Succeeded 0: All 100 steps are applied.", talk.Say(1, Saved(100))[^1]);
    }

    [Fact]
    public void Finished_NobodyWritesTheCheckpoint_IsNoSuccess()
    {
        var talk = Training(1);
        talk.Say(1, Finished(100));

        Assert.StartsWith("end Failed 1: All members ended at step 100, but none reported its checkpoint.", talk.Fire(RunTimer.Save, 1)[^1]);
    }

    [Fact]
    public void Finished_TheSaverIsLost_TheNextOneSaves()
    {
        var talk = Training(2);
        talk.Say(1, Finished(100));
        talk.Say(2, Finished(100));

        Assert.Equal(["record WorkerLost w-1 at 0: its stream broke", "tell w-2 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Lose(1));
        Assert.Equal("end Succeeded 0: All 100 steps are applied.", talk.Say(2, Saved(100))[^1]);
    }

    [Fact]
    public void Finished_AfterStopAfter_IsStopped()
    {
        var talk = Training(1, Job(desired: 1), stopAfter: 60);
        talk.Say(1, Saved(60));

        Assert.Equal("end Stopped 0: Stopped after step 60 of 100, as asked by --stop-after.", talk.Say(1, Finished(60))[^1]);
    }

    [Fact]
    public void Stop_WhileRunning_MembersAgreeOnTheStepByThemselves()
    {
        var talk = Training(2);

        Assert.Equal(["record RunStopping", "tell w-1 PrepareEnd G1", "tell w-2 PrepareEnd G1"], talk.Stop());
        Assert.Equal(["note: Run run is ending already: Stopped by a test."], talk.Stop());
        talk.Say(2, Finished(58));
        talk.Say(1, Saved(58));
        Assert.Equal("end Stopped 0: Stopped by a test. It ended after step 58 of 100.", talk.Say(1, Finished(58))[^1]);
    }

    [Fact]
    public void Stop_TooLateToMatter_StillSucceeds()
    {
        var talk = Training(1);
        talk.Stop();
        talk.Say(1, Saved(100));

        Assert.Equal("end Succeeded 0: All 100 steps are applied.", talk.Say(1, Finished(100))[^1]);
    }

    [Fact]
    public void Checkpoint_FailsOnTheWay_TheRunGoesOn()
    {
        var talk = Training(1);

        Assert.Equal(["record CheckpointFailed 50: disk full."], talk.Say(1, Saved(50, "disk full.")));
        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
        talk.Say(1, Saved(100));
        Assert.StartsWith("end Succeeded 0", talk.Say(1, Finished(100))[^1]);
    }

    /// <summary>A disk that was full in the moment of the last checkpoint cost the whole run, though its members held the weights.</summary>
    [Fact]
    public void Checkpoint_FailsAtTheLastStep_TheMembersKeepTheStateAndTryInTurn()
    {
        var talk = Training(2);
        talk.Say(1, Saved(50));
        Assert.Equal(["record CheckpointFailed 100: disk full."], talk.Say(1, Saved(100, "disk full.")));
        talk.Say(1, Finished(100));

        Assert.Equal(["record WorkerFinished", "timer SaveAgain G1 10 s"], talk.Say(2, Finished(100)));
        Assert.Equal(["tell w-1 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Fire(RunTimer.SaveAgain, 1));
        Assert.Equal(["record CheckpointFailed 100: still full.", "timer SaveAgain G1 10 s"], talk.Say(1, Saved(100, "still full.")));
        Assert.Equal(["tell w-2 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Fire(RunTimer.SaveAgain, 1));
        Assert.Equal("end Succeeded 0: All 100 steps are applied.", talk.Say(2, Saved(100))[^1]);
    }

    [Fact]
    public void Checkpoint_FailsAtTheLastStepForAnHour_FailsTheRun()
    {
        var talk = Training(2);
        talk.Say(1, Saved(50));
        talk.Say(1, Saved(100, "disk full."));
        talk.Say(1, Finished(100));
        talk.Say(2, Finished(100));
        for (var i = 0; i < 359; i++)
        {
            talk.Fire(RunTimer.SaveAgain, 1);
            Assert.Equal("timer SaveAgain G1 10 s", talk.Say((i % 2) + 1, Saved(100, "disk full."))[^1]);
        }

        talk.Fire(RunTimer.SaveAgain, 1);
        Assert.Equal(
            "end Failed 1: All 100 steps are applied, but the last checkpoint could not be written: disk full. Checkpoint step-00000050 has the state of step 50. To go on, type: ./orchestrator run job.yaml --resume /ck/step-50",
            talk.Say(2, Saved(100, "disk full."))[^1]);
    }

    [Fact]
    public void Checkpoint_FailsAtTheLastStepAndAPersonStops_FailsTheRunAtOnce()
    {
        var talk = Training(1);
        talk.Say(1, Saved(100, "disk full."));
        talk.Say(1, Finished(100));

        Assert.StartsWith("end Failed 1: All 100 steps are applied, but the last checkpoint could not be written: disk full.", talk.Stop()[^1]);
    }

    /// <summary>The stop came between the writer's failure and the other member's end: the run tried for an hour.</summary>
    [Fact]
    public void Checkpoint_FailsAtTheLastStepAndAPersonStopsBeforeAllHaveFinished_FailsTheRunWhenTheyHave()
    {
        var talk = Training(2);
        talk.Say(1, Saved(100, "disk full."));
        talk.Say(1, Finished(100));
        talk.Stop();

        Assert.StartsWith("end Failed 1: All 100 steps are applied, but the last checkpoint could not be written: disk full.", talk.Say(2, Finished(100))[^1]);
    }

    [Fact]
    public void Checkpoint_FailsAtTheLastStepAndItsWriterIsLost_TheOtherTries()
    {
        var talk = Training(2);
        talk.Say(1, Saved(100, "disk full."));
        talk.Say(1, Finished(100));
        talk.Say(2, Finished(100));
        talk.Fire(RunTimer.SaveAgain, 1);

        Assert.Equal(["record WorkerLost w-1 at 0: its stream broke", "timer SaveAgain G1 10 s"], talk.Lose(1));
        Assert.Equal(["tell w-2 SaveCheckpoint G1", "timer Save G1 1800 s"], talk.Fire(RunTimer.SaveAgain, 1));
    }

    [Fact]
    public void Checkpoint_FailsAtTheStepOfAStop_IsTriedAgainUntilAPersonStopsOnceMore()
    {
        var talk = Training(1);
        talk.Stop();
        talk.Say(1, Saved(58, "disk full."));

        Assert.Equal("timer SaveAgain G1 10 s", talk.Say(1, Finished(58))[^1]);
        Assert.StartsWith("end Failed 1: Step 58 is applied, but its checkpoint could not be written: disk full. There is no checkpoint yet", talk.Stop()[^1]);
    }
}
