using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests;

public sealed class ClusterMachineTests
{
    [Fact]
    public void Attach_ThreeWorkers_GetRisingIdsThatAreNeverUsedAgain()
    {
        var talk = new Conversation();

        Assert.Equal(["admit w-1"], talk.Attach());
        Assert.Equal(["admit w-2"], talk.Attach());
        Assert.Equal(["note: WorkerLost concerns no run."], talk.Lose(2));
        Assert.Equal(["admit w-3"], talk.Attach());
        Assert.Equal([new WorkerId("w-1"), new WorkerId("w-3")], talk.State.Workers.Keys);
    }

    [Fact]
    public void Stop_WithSomebodyWhoWaits_IsAnsweredBehindAllThatComesOfIt()
    {
        var talk = new Conversation();
        talk.Submit();

        Assert.Equal(
            ["record RunEnded", "end Stopped 0: Enough. It had not started.", "answer 7"],
            talk.Send(new ClusterEvent.StopRequested(Run, "Enough.") { Asker = 7 }));
        Assert.Equal(["note: StopRequested concerns no run.", "answer 8"], talk.Send(new ClusterEvent.StopRequested(new RunId("gone"), "Enough.") { Asker = 8 }));
    }

    [Fact]
    public void Attach_OtherVersion_IsRejectedWithBothVersions() => Assert.Equal(
        ["reject: The worker (pid 101 on host) is version 0.9 and the coordinator 1.0. Run the same version on every host."], new Conversation().Attach(version: "0.9"));

    [Fact]
    public void Attach_NoCollectiveAddress_IsRejected() => Assert.Equal(
        ["reject: The worker (pid 101 on host) did not say where its peers reach it. Start it with --listen HOST:PORT."], new Conversation().Attach(collective: ""));

    [Fact]
    public void Submit_EnoughWorkers_StartsAtOnceAndRecordsBeforeItTells()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Attach();

        Assert.Equal(
            ["record RunQueued", "record GenerationPreparing", "tell w-1 Prepare G1 avx2", "tell w-2 Prepare G1 avx2", "timer Prepare G1 1800 s"], talk.Submit());
        Assert.Equal("2 workers are free; 2 desired: starting.", talk.RunState.Reason);
    }

    [Fact]
    public void Submit_NoWorkers_WaitsAndSaysForWhat()
    {
        var talk = new Conversation();

        Assert.Equal(["record RunQueued"], talk.Submit(Job(min: 2)));
        Assert.Equal("0 workers are free; 2 needed: waiting for 2 more.", talk.RunState.Reason);
    }

    [Fact]
    public void Attach_MinButNotDesired_WaitsTheGracePeriodThenStarts()
    {
        var talk = new Conversation();
        talk.Submit(Job(min: 1, desired: 3));

        Assert.Equal(["admit w-1", "timer Grace G0 10 s"], talk.Attach());
        Assert.Equal("1 worker is free; 3 desired: waiting a little for more, though 1 suffice.", talk.RunState.Reason);
        Assert.Equal(["admit w-2"], talk.Attach());
        Assert.Equal(
            ["record GenerationPreparing", "tell w-1 Prepare G1 avx2", "tell w-2 Prepare G1 avx2", "timer Prepare G1 1800 s"], talk.Fire(RunTimer.Grace, 0));
    }

    [Fact]
    public void Grace_EndsWithTooFewWorkers_StartsAsSoonAsMinIsThere()
    {
        var talk = new Conversation();
        talk.Submit(Job(min: 2, desired: 3));
        talk.Attach();
        talk.Attach();
        talk.Lose(2);

        Assert.Equal([], talk.Fire(RunTimer.Grace, 0));
        Assert.Equal(["admit w-3", "record GenerationPreparing", "tell w-1 Prepare G1 avx2", "tell w-3 Prepare G1 avx2", "timer Prepare G1 1800 s"], talk.Attach());
    }

    [Fact]
    public void Submit_MoreWorkersThanDesired_TakesTheOldest()
    {
        var talk = new Conversation();
        for (var i = 0; i < 5; i++)
        {
            talk.Attach();
        }

        talk.Submit(Job(desired: 2));

        Assert.Equal([new WorkerId("w-1"), new WorkerId("w-2")], talk.RunState.Members);
    }

    [Fact]
    public void Submit_TwoRuns_TheSecondWaitsForTheFirst()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Submit(Job(desired: 1));

        Assert.Equal(["record RunQueued"], talk.Submit(Job(desired: 1), id: "second"));
        Assert.Equal(
            ["record RunEnded", "tell w-1 Release", "end Stopped 0: Stopped by a test. It had not taken a step.", "record GenerationPreparing", "tell w-1 Prepare G1 avx2", "timer Prepare G1 1800 s"],
            talk.Stop());
        Assert.Equal(new RunId("second"), talk.State.RunOf(new WorkerId("w-1"))!.Id);
    }

    [Fact]
    public void Stop_QueuedRun_EndsIt()
    {
        var talk = new Conversation();
        talk.Submit();

        Assert.Equal(["record RunEnded", "end Stopped 0: Stopped by a test. It had not started."], talk.Stop());
        Assert.Equal(["note: StopRequested came after the end of run run."], talk.Stop());
    }

    [Fact]
    public void Submit_SameIdTwice_IsIgnored()
    {
        var talk = new Conversation();
        talk.Submit();

        Assert.Equal(["note: Run run was submitted again; it is known already."], talk.Submit());
    }

    [Fact]
    public void EndedRuns_MoreThanAreKept_TheOldestIsForgotten()
    {
        var talk = new Conversation();
        for (var i = 0; i <= ClusterState.MaxEndedRuns; i++)
        {
            talk.Submit(id: $"r{i}");
            talk.Send(new ClusterEvent.StopRequested(new RunId($"r{i}"), "Stop."));
        }

        Assert.Equal(ClusterState.MaxEndedRuns, talk.State.Runs.Length);
        Assert.Null(talk.State.Find(new RunId("r0")));
    }
}
