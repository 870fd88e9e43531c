using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Scheduling;

/// <summary>Several runs on one pool, through the whole coordinator.</summary>
public sealed class SharingTests
{
    private static readonly string[] SecondStarts = ["record GenerationPreparing", "tell w-3 Prepare G1 avx2", "tell w-4 Prepare G1 avx2", "timer Prepare G1 1800 s"];

    /// <summary>All four workers train one run, at step 5.</summary>
    private static Conversation FourTrain(int min = 1, int priority = 0)
    {
        var talk = AtStep(5, 4, Job(min: min, desired: 4, priority: priority));
        foreach (var worker in Enumerable.Range(1, 4))
        {
            talk.Say(worker, Entered(1, 0));
        }

        return talk;
    }

    /// <summary>The present members switch to those that stay, behind a step.</summary>
    private static string[] Switch(Conversation talk, long generation, int[] stay, int[] leave)
    {
        foreach (var worker in stay)
        {
            talk.Say(worker, Entered(generation, 7));
        }

        return [.. leave.SelectMany(worker => talk.Say(worker, new WorkerMessage.Left(new Generation(generation), 7)))];
    }

    [Fact]
    public void Submit_ASecondRun_TheFirstGivesHalfOfItsWorkersBehindAStepAndTheSecondStartsWithThem()
    {
        var talk = FourTrain();

        Assert.Equal(
            ["record RunQueued", "record ShareLowered 2: Run run goes from 4 to 2 workers, for 2 runs share 4."],
            talk.Submit(Job(desired: 2), id: "second"));
        Assert.Equal("0 workers are free; 1 needed: waiting for 1 more.", talk.Find("second").Reason);
        Assert.Contains(talk.Say(1, Progress(6)), line => line.StartsWith("tell w-1 Switch G2: w-1=[0,4) w-2=[4,8)", StringComparison.Ordinal));
        var effects = Switch(talk, 2, [1, 2], [3, 4]);
        Assert.Equal(["tell w-3 Release", "tell w-4 Release", .. SecondStarts], effects.Where(line => line.StartsWith("tell", StringComparison.Ordinal) || SecondStarts.Contains(line)));
        Assert.Equal([(2, "run"), (2, "second")], talk.State.Runs.Select(run => (run.Members.Count(), run.Id.Value)));
    }

    /// <summary>Both runs are in their first generation, and what the worker said of the first came when it had the second.</summary>
    [Fact]
    public void Said_OfTheFormerRun_DoesNotCountInTheNext()
    {
        var talk = FourTrain();
        talk.Submit(Job(desired: 2), id: "second");
        talk.Say(1, Progress(6));
        Switch(talk, 2, [1, 2], [3, 4]);

        foreach (var late in new WorkerMessage[] { Prepared(), Progress(7), Saved(7), new WorkerMessage.Refused(new Generation(1), "no", FailureKind.Job) })
        {
            Assert.Equal([$"note: {late.GetType().Name} of w-3 is about run run; it serves second now."], talk.Say(3, late with { Run = Run }));
        }

        Assert.Equal(0, talk.Find("second").Progress.Step);
        talk.Say(3, Prepared() with { Run = new RunId("second") });
        talk.Say(4, Prepared() with { Run = new RunId("second") });
        Assert.IsType<RunPhase.Running>(talk.Find("second").Phase);
    }

    [Fact]
    public void End_OfOneRun_TheOtherTakesItsWorkersIn()
    {
        var talk = FourTrain();
        talk.Submit(Job(desired: 2), id: "second");
        talk.Say(1, Progress(6));
        Switch(talk, 2, [1, 2], [3, 4]);

        Assert.Equal(
            ["record RunEnded", "tell w-3 Release", "tell w-4 Release", "end Stopped 0: Stopped by a test. It had not taken a step.", "record WorkerJoining w-3 at 6", "tell w-3 Prepare G2 avx2", "record WorkerJoining w-4 at 6", "tell w-4 Prepare G2 avx2"],
            talk.Stop("second"));
    }

    [Fact]
    public void Submit_OfHigherPriority_TheLowerOneGoesDownToItsLeast()
    {
        var talk = FourTrain(min: 2);

        Assert.Equal("0 workers are free; 2 needed: waiting for 2 more.", Reason(talk.Submit(Job(min: 2, desired: 4, priority: 3), id: "urgent"), talk, "urgent"));
        Assert.Equal(2, talk.RunState.Leavers.Count);
        Assert.Equal("It waits for 2 of 2 workers, which other runs give up behind a step.", QueueView.Of(talk.State)[new RunId("urgent")].Why);
    }

    [Fact]
    public void Submit_OfLowerPriority_WaitsForWhatTheHigherOneDesires()
    {
        var talk = FourTrain(priority: 1);
        talk.Submit(Job(min: 1, desired: 1), id: "patient");

        Assert.Empty(talk.RunState.Leavers);
        var entry = QueueView.Of(talk.State)[new RunId("patient")];
        Assert.Equal((1, 1, "It waits for 1 of 1 worker, which the other runs keep. It comes next."), (entry.Place, entry.Missing, entry.Why));
    }

    [Fact]
    public void Submit_MoreThanThePoolHas_OthersPassIt()
    {
        var talk = FourTrain();
        talk.Submit(Job(min: 9, desired: 9, max: 9), id: "huge");
        talk.Submit(Job(min: 1, desired: 1), id: "small");

        Assert.Single(talk.RunState.Leavers);
        var queue = QueueView.Of(talk.State);
        Assert.Equal((1, 5, "It waits for 5 of 9 workers: of the 4 that are attached it could use 4. Runs behind it do not wait for it."), (queue[new RunId("huge")].Place, queue[new RunId("huge")].Missing, queue[new RunId("huge")].Why));
        Assert.Equal(2, queue[new RunId("small")].Place);
    }

    [Fact]
    public void Submit_ForAGpuThatNobodyHas_WaitsAndHoldsNobodyUp()
    {
        var talk = FourTrain();
        var job = Job(desired: 1);
        talk.Submit(job with { Workers = job.Workers with { Device = "cuda" } }, id: "gpu");
        talk.Submit(Job(desired: 1), id: "small");

        Assert.Equal("It waits for 1 of 1 worker: of the 4 that are attached it could use 0. Runs behind it do not wait for it.", QueueView.Of(talk.State)[new RunId("gpu")].Why);
        Assert.Single(talk.RunState.Leavers);
    }

    [Fact]
    public void Submit_WhatCannotStartNow_MovesNobodyAndIsNotPassedByAsLargeAOneNorByOneOfLowerPriority()
    {
        var talk = FourTrain(min: 3);
        talk.Submit(Job(min: 2, desired: 2), id: "second");
        talk.Submit(Job(min: 2, desired: 2), id: "third");
        talk.Submit(Job(min: 1, desired: 1, priority: -1), id: "fourth");

        Assert.Empty(talk.RunState.Leavers);
        var queue = QueueView.Of(talk.State);
        Assert.Equal("It waits for 1 of 2 workers, which the other runs keep. It comes next.", queue[new RunId("second")].Why);
        Assert.Equal("It waits for 1 of 2 workers, and run second comes before it.", queue[new RunId("third")].Why);
        Assert.Equal("It waits for 1 of 1 worker, and run second comes before it.", queue[new RunId("fourth")].Why);
    }

    [Fact]
    public void Submit_ASmallRunBehindALargeOneThatCannotStart_PassesItAndThatIsRecordedFirst()
    {
        var talk = FourTrain(min: 3);
        talk.Submit(Job(min: 2, desired: 2), id: "second");
        Assert.Equal(
            ["record RunQueued", "record ShareLowered 3: Run run goes from 4 to 3 workers, for 3 runs share 4."], talk.Submit(Job(min: 1, desired: 1, max: 1), id: "third"));
        Assert.Equal(0, talk.Find("second").Passed);
        talk.Say(1, Progress(6));
        var effects = Switch(talk, 2, [1, 2, 3], [4]);

        Assert.Equal(
            ["record RunPassed by third, 1 of 4", "record GenerationPreparing"],
            effects.Where(line => line.StartsWith("record RunPassed", StringComparison.Ordinal) || line == "record GenerationPreparing"));
        Assert.Equal((1, 1), (talk.Find("second").Passed, Orchestrator.Coordinator.Core.Revival.RunSnapshot.Of(talk.Find("second")).Passed));
        Assert.Equal("It waits for 2 of 2 workers, which the other runs keep. It comes next; 1 of at most 4 runs behind it have started before it.", QueueView.Of(talk.State)[new RunId("second")].Why);
    }

    /// <summary>With a member lost while others were to leave, it would have been below its least, and would have stopped.</summary>
    [Fact]
    public void Lost_AMemberWhileOthersAreToLeave_TheyStay()
    {
        var talk = FourTrain(min: 2);
        talk.Submit(Job(min: 2, desired: 2), id: "second");
        Assert.Equal([new WorkerId("w-3"), new WorkerId("w-4")], talk.RunState.Leavers);

        Assert.Contains("note: w-3, w-4 stay in run run after all.", talk.Lose(1));
        Assert.Empty(talk.RunState.Leavers);
        Assert.Equal("It waits for 1 of 2 workers, which the other runs keep. It comes next.", QueueView.Of(talk.State)[new RunId("second")].Why);
    }

    /// <summary>The same when the member leaves by itself: the change is planned in that very event.</summary>
    [Fact]
    public void Leaving_AMemberWhileOthersAreToLeave_TheRunDoesNotGoBelowItsLeast()
    {
        var talk = FourTrain(min: 2);
        talk.Submit(Job(min: 2, desired: 2), id: "second");
        var effects = talk.Say(1, new WorkerMessage.Leaving("SIGTERM"));

        Assert.Contains(effects, line => line.Contains("Switch G2", StringComparison.Ordinal));
        Assert.Null(talk.RunState.SuspendReason);
        Assert.Equal(2, ((RunPhase.Running)talk.RunState.Phase).Change!.Members.Length);
    }

    [Fact]
    public void Stop_OfTheRunThatWaited_NobodyLeavesForIt()
    {
        var talk = FourTrain();
        talk.Submit(Job(desired: 2), id: "second");
        talk.Stop("second");

        Assert.Empty(talk.RunState.Leavers);
        Assert.Equal([], talk.RunState.Shed);
    }

    [Fact]
    public void Submit_SeveralToAnIdlePool_EachHasItsShareAndTheRestWait()
    {
        var talk = new Conversation();
        for (var i = 0; i < 4; i++)
        {
            talk.Attach();
        }

        for (var i = 1; i <= 6; i++)
        {
            talk.Submit(Job(desired: 1), id: $"r{i}");
        }

        Assert.Equal([1, 1, 1, 1, 0, 0], talk.State.Runs.Select(run => run.Members.Count()));
        Assert.Equal([1, 2], QueueView.Of(talk.State).OrderBy(entry => entry.Key.Value).Select(entry => entry.Value.Place));
        Assert.Contains("tell w-2 Prepare G1 avx2", talk.Stop("r2"));
        Assert.Equal([1, 0, 1, 1, 1, 0], talk.State.Runs.Select(run => run.Members.Count()));
    }

    private static string Reason(string[] effects, Conversation talk, string run)
    {
        Assert.Contains("record RunQueued", effects);
        return talk.Find(run).Reason;
    }
}
