using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Runs;

public sealed class PreparingTests
{
    private static Conversation Preparing(int workers, int min = 1, string? launcher = null)
    {
        var talk = new Conversation();
        for (var i = 0; i < workers; i++)
        {
            talk.Attach(launcher: launcher ?? "");
        }

        talk.Submit(Job(min: min, desired: workers), launcher: launcher);
        return talk;
    }

    private static WorkerMessage.Refused Refused(FailureKind kind = FailureKind.Environment) => new(new Generation(1), "no data here", kind);

    [Fact]
    public void Prepared_All_RanksAreDealtOutAndTrainingStarts()
    {
        var talk = Preparing(3);

        Assert.Equal([], talk.Say(1, Prepared()));
        Assert.Equal("1 of 3 workers are ready.", talk.RunState.Reason);
        Assert.Equal([], talk.Say(3, Prepared()));
        Assert.Equal(
            [
                "record GenerationFormed G1 0..100",
                "record WorkerReady w-1 [0,1]", "record WorkerReady w-2 [2,3,4]", "record WorkerReady w-3 [5,6,7]",
                "tell w-1 Activate G1 0..100/100: w-1=[0,2) w-2=[2,5) w-3=[5,8)",
                "tell w-2 Activate G1 0..100/100: w-1=[0,2) w-2=[2,5) w-3=[5,8)",
                "tell w-3 Activate G1 0..100/100: w-1=[0,2) w-2=[2,5) w-3=[5,8)",
            ],
            talk.Say(2, Prepared()));
    }

    [Fact]
    public void Leaving_BothStartAfresh_TheRunWaitsForBothAndFormsOnce()
    {
        var talk = Preparing(2);
        var leaving = new WorkerMessage.Leaving("libtorch is pinned otherwise.", Returns: true);

        Assert.Equal([], talk.Say(1, leaving));
        Assert.StartsWith("record RunWaiting: w-1, w-2 start afresh", Assert.Single(talk.Say(2, leaving)));
        Assert.Empty(talk.State.Workers);
        talk.Lose(1);
        talk.Lose(2);
        Assert.DoesNotContain(talk.Attach(), line => line.StartsWith("tell", StringComparison.Ordinal) && line.Contains("Prepare", StringComparison.Ordinal));
        Assert.Equal(2, talk.Attach().Count(line => line.StartsWith("tell", StringComparison.Ordinal) && line.Contains("Prepare", StringComparison.Ordinal)));
    }

    [Fact]
    public void Leaving_OneStartsAfresh_TheOtherIsGivenBackWhenItIsReady()
    {
        var talk = Preparing(2);

        Assert.Equal([], talk.Say(2, new WorkerMessage.Leaving("It is pinned otherwise.", Returns: true)));
        Assert.Equal("tell w-1 Release", talk.Say(1, Prepared())[1]);
    }

    /// <summary>One that was ready waits for its release: it ended at once, and could be activated in the same moment.</summary>
    [Fact]
    public void Leaving_OneThatIsReady_IsReleased()
    {
        var talk = Preparing(2);
        talk.Say(1, Prepared());

        Assert.Equal("tell w-1 Release", talk.Say(1, new WorkerMessage.Leaving("SIGTERM"))[0]);
    }

    [Fact]
    public void Prepared_MoreWorkersThanRanks_TheRestStandsBy()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Attach();
        talk.Attach();
        talk.Submit(Job(desired: 3, logicalRanks: 2));
        talk.Say(1, Prepared());
        talk.Say(2, Prepared());

        Assert.Equal("tell w-3 Activate G1 0..100/100: w-1=[0,1) w-2=[1,2) w-3=[2,2)", talk.Say(3, Prepared())[^1]);
    }

    [Theory]
    [InlineData(1000, 32, 3, 94)] // 3000 / 32 = 93.75
    [InlineData(1000, 10, 3, 300)]
    [InlineData(1, 32, 1, 1)]
    public void Prepared_Epochs_StepsAreCountedFromTheSamples(long samples, int batch, long epochs, long expected)
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1, steps: null, epochs: epochs, batch: batch));

        talk.Say(1, Prepared(samples: samples));

        Assert.Equal(expected, talk.RunState.LastStep);
    }

    [Fact]
    public void Prepared_StopAfter_LeavesTheTotalAsItIs()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1), stopAfter: 60);

        Assert.Equal("tell w-1 Activate G1 0..60/100: w-1=[0,8)", talk.Say(1, Prepared())[^1]);
    }

    [Fact]
    public void Prepared_FromACheckpoint_GoesOnBehindIt()
    {
        var talk = new Conversation();
        talk.Attach();

        Assert.Contains("tell w-1 Prepare G1 avx2 from /old/step", talk.Submit(Job(desired: 1), resumeFrom: "/old/step"));
        Assert.Equal("tell w-1 Activate G1 60..100/100: w-1=[0,8)", talk.Say(1, Prepared(appliedSteps: 60))[^1]);
    }

    [Theory]
    [InlineData(100, null, "The checkpoint holds 100 steps and the job has 100: nothing is left to train. Raise it, such as --set training.steps=200.")]
    [InlineData(60, 50L, "The checkpoint holds 60 steps and --stop-after is 50: nothing is left to train. Give a higher --stop-after, or none.")]
    public void Prepared_NothingLeftToTrain_IsTheJobsMistake(long applied, long? stopAfter, string reason)
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1), stopAfter, "/old/step");

        Assert.Equal(["record RunEnded", "tell w-1 Release", $"end Failed 3: {reason}"], talk.Say(1, Prepared(appliedSteps: applied)));
    }

    [Fact]
    public void Prepared_EmptyDataSet_SaysSo()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1, steps: null, epochs: 2));

        Assert.StartsWith("end Failed 3: The training part of the data set has no samples.", talk.Say(1, Prepared(samples: 0))[^1]);
    }

    [Fact]
    public void Refused_Environment_TheOthersGoOn()
    {
        var talk = Preparing(3);
        talk.Say(1, Prepared());

        Assert.Equal(["record WorkerRefused w-2: no data here", "tell w-2 Release"], talk.Say(2, Refused()));
        Assert.Equal("tell w-3 Activate G1 0..100/100: w-1=[0,4) w-3=[4,8)", talk.Say(3, Prepared())[^1]);
        Assert.Equal("no data here", talk.RunState.Refused[new WorkerId("w-2")]);
    }

    [Fact]
    public void Refused_JobIsWrong_EndsTheRunWithExitCode3()
    {
        var talk = Preparing(2);

        Assert.Equal(
            ["record WorkerRefused w-2: no data here", "record RunEnded", "tell w-1 Release", "tell w-2 Release", "end Failed 3: no data here"],
            talk.Say(2, Refused(FailureKind.Job)));
    }

    [Fact]
    public void Refused_Embedded_EndsTheRun()
    {
        var talk = Preparing(2, launcher: "me");

        Assert.Equal("end Failed 1: no data here", talk.Say(2, Refused())[^1]);
    }

    [Fact]
    public void Refused_FewerThanMinLeft_GivesTheOthersBackAndWaits()
    {
        var talk = Preparing(2, min: 2);

        Assert.Equal(
            [
                "record WorkerRefused w-2: no data here", "tell w-2 Release",
                "record RunWaiting: 1 of at least 2 workers are left: no data here The run waits for others.", "tell w-1 Release",
            ],
            talk.Say(2, Refused()));
        Assert.Equal(
            "1 worker is free (1 refused, the last because no data here); 2 needed: waiting for 1 more.",
            talk.RunState.Reason);

        // A third worker makes a new generation with the first; the refused one is not asked again.
        Assert.Equal(["admit w-3", "record GenerationPreparing", "tell w-1 Prepare G2 avx2", "tell w-3 Prepare G2 avx2", "timer Prepare G2 1800 s"], talk.Attach());
    }

    [Fact]
    public void Refused_Everybody_EndsTheRun()
    {
        var talk = Preparing(1);

        Assert.Equal(["record WorkerRefused w-1: no data here", "tell w-1 Release", "record RunEnded", "end Failed 1: no data here"], talk.Say(1, Refused()));
    }

    [Fact]
    public void Prepared_OneDiffers_IsRefusedWithTheFieldAndBothValues()
    {
        var talk = Preparing(3);
        talk.Say(1, Prepared());
        talk.Say(2, Prepared(canary: "other"));

        Assert.Equal(
            [
                "record WorkerRefused w-2: worker w-2 does not agree with w-1, w-3: canary gradient is other and not c. Use the same build, libtorch and kind of processor on every host.",
                "tell w-2 Release", "record GenerationFormed G1 0..100", "record WorkerReady w-1 [0,1,2,3]", "record WorkerReady w-3 [4,5,6,7]",
                "tell w-1 Activate G1 0..100/100: w-1=[0,4) w-3=[4,8)", "tell w-3 Activate G1 0..100/100: w-1=[0,4) w-3=[4,8)",
            ],
            talk.Say(3, Prepared()));
    }

    [Fact]
    public void Prepared_OneDiffersEmbedded_EndsTheRunWithTheReason()
    {
        var talk = Preparing(2, launcher: "me");
        talk.Say(1, Prepared());

        Assert.StartsWith("end Failed 1: worker w-2 does not agree with w-1: applied steps is 5 and not 0.", talk.Say(2, Prepared(appliedSteps: 5))[^1]);
    }

    [Fact]
    public void Lost_WhilePreparing_TheOthersGoOn()
    {
        var talk = Preparing(2);
        talk.Say(1, Prepared());

        Assert.Equal("tell w-1 Activate G1 0..100/100: w-1=[0,8)", talk.Lose(2)[^1]);
    }

    [Fact]
    public void Lost_LastOneWhilePreparing_WaitsForAnother()
    {
        var talk = Preparing(1);

        Assert.Equal(
            [
                "record WorkerLost w-1 at 0: its stream broke",
                "record RunWaiting: 0 of at least 1 workers are left: worker w-1 (pid 101 on host) was lost before the first step: its stream broke. The run waits for others.",
            ],
            talk.Lose(1));
    }

    [Fact]
    public void Lost_EmbeddedWhilePreparing_TheOthersGoOnAndTheLauncherSendsAnother()
    {
        var talk = Preparing(2, launcher: "me");

        Assert.Equal(["record WorkerLost w-2 at 0: its stream broke"], talk.Lose(2));
        Assert.Equal("tell w-1 Activate G1 0..100/100: w-1=[0,8)", talk.Say(1, Prepared())[^1]);
    }

    [Fact]
    public void Timer_OneIsNotReady_IsRefused()
    {
        var talk = Preparing(2);
        talk.Say(1, Prepared());

        var effects = talk.Fire(RunTimer.Prepare, 1);

        Assert.Equal("record WorkerRefused w-2: w-2 did not get ready in time; the other 1 did. Look into the worker's log.", effects[0]);

        // Released, it would count as free while it loads, and would keep the next run waiting as long.
        Assert.StartsWith("evict w-2 to start afresh: w-2 did not get ready in time", effects[1]);
        Assert.DoesNotContain(new WorkerId("w-2"), talk.State.Workers.Keys);
        Assert.Equal("tell w-1 Activate G1 0..100/100: w-1=[0,8)", effects[^1]);
    }

    [Fact]
    public void Message_OfAnotherGeneration_IsIgnoredWithBothNumbers()
    {
        var talk = Preparing(1);

        Assert.Equal(["note: Prepared of w-1 is of G7; the run is in G1."], talk.Say(1, Prepared(generation: 7)));
        Assert.IsType<RunPhase.Preparing>(talk.RunState.Phase);
    }
}
