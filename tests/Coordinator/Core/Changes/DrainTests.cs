using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Changes;

/// <summary>Whoever is drained stays so until taken back or until its process ends, whatever becomes of its stream and of its coordinator.</summary>
public sealed class DrainTests
{
    [Fact]
    public void Drain_AFreeWorker_IsStoredBeforeItIsAnswered()
    {
        var talk = new Conversation();
        talk.Attach();
        Assert.Equal(["store pool", "answer 7"], talk.Send(new ClusterEvent.DrainRequested(WorkerId.FromNumber(1)) { Asker = 7 }));
        Assert.Equal([new DrainMark("process-1", WorkerId.FromNumber(1), talk.Now)], PoolSnapshot.Of(talk.State).Drained);
    }

    [Fact]
    public void Drain_AMember_IsStoredBeforeAnybodyIsTold()
    {
        var told = AtStep(5, 2).Drain(2);
        Assert.Equal("store pool", told[0]);
        Assert.Contains("tell w-1 Switch G2: w-1=[0,8)", told);
    }

    [Fact]
    public void Drain_Twice_IsSaidAndChangesNothing()
    {
        var talk = AtStep(5, 2);
        talk.Drain(2);
        Assert.Equal(["note: Worker w-2 is drained already."], talk.Drain(2));
    }

    [Fact]
    public void Drain_ItsStreamBreaksAndItAttachesAgain_GetsNoRun()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Drain(1);
        talk.Lose(1);
        Assert.Equal(["admit w-2"], talk.AttachAgain(1));
        Assert.Equal(["record RunQueued"], talk.Submit(Job(desired: 1)));
    }

    /// <summary>A worker that was drained was given to the next run by the next owner, which knew nothing of it.</summary>
    [Fact]
    public void Revive_AFreeWorkerWasDrained_GetsNoRunUntilItIsTakenBack()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Drain(1);

        var next = talk.Successor();
        Assert.Equal(["admit w-101"], next.AttachAgain(1));
        Assert.True(next.State.Workers[WorkerId.FromNumber(101)].IsDrained);
        Assert.Equal(["record RunQueued"], next.Submit(Job(desired: 1)));
        var told = next.TakeBack(101);
        Assert.Equal("store pool", told[0]);
        Assert.Contains("tell w-101 Prepare G1 avx2", told);
        Assert.Empty(next.State.Drained);
    }

    /// <summary>The owner died when the drain was stored and nothing that came of it was: the member stayed in its run.</summary>
    [Fact]
    public void Revive_AMemberWasDrained_LeavesWhenAllAreBack()
    {
        var talk = AtStep(3, 2);
        var before = RunSnapshot.Of(talk.RunState);
        talk.Drain(2);

        var next = talk.Successor(ledger: 3, before);
        next.Return(1, generation: 1);
        Assert.Equal(["admit w-2"], next.Attach(2, generation: 1));
        var told = next.Say(2, new WorkerMessage.CaughtUp());
        Assert.Equal("record RunAdopted", told[0]);
        Assert.Contains("tell w-2 Switch G2: w-1=[0,8)", told);
        next.Say(1, Entered(2, 4));
        Assert.Equal("tell w-2 Release", next.Say(2, new WorkerMessage.Left(new Generation(2), 4))[^1]);
        Assert.Empty(next.RunState.Joiners);
    }

    [Fact]
    public void Revive_AMemberWasDrainedAndOthersDoNotComeBack_LeavesBehindTheRegrouping()
    {
        var talk = AtStep(3, 3);
        var before = RunSnapshot.Of(talk.RunState);
        talk.Drain(2);

        var next = talk.Successor(ledger: 3, before);
        next.Return(1, generation: 1);
        next.Return(2, generation: 1);
        next.Fire(RunTimer.Return, 1);
        Assert.IsType<RunPhase.Regrouping>(next.RunState.Phase);
        Assert.Contains(WorkerId.FromNumber(2), next.RunState.Leavers);
    }

    /// <summary>It was to leave for another run, and is drained besides. When the run lost a member it was kept, for the other run did not need it so much: its process could not be ended.</summary>
    [Fact]
    public void Drain_OneThatLeavesForAnotherRun_IsNotKeptWhenTheRunLosesAMember()
    {
        var talk = AtStep(5, 3, Job(min: 2, desired: 3));
        Assert.Contains(talk.Submit(Job(min: 1, desired: 1), id: "second"), line => line.StartsWith("record ShareLowered", StringComparison.Ordinal));
        Assert.Contains("tell w-3 Switch G2: w-1=[0,4) w-2=[4,8)", talk.Drain(3));
        Assert.Contains(talk.Lose(1), line => line.StartsWith("tell w-3 Fence G3", StringComparison.Ordinal));
        talk.Say(2, Fenced(3, 5, (3, 6)));
        Assert.Contains(talk.Say(3, Fenced(3, 5, (6, 8))), line => line.StartsWith("tell w-3 Activate G3", StringComparison.Ordinal));
        talk.Say(2, Entered(3, 5));
        Assert.Contains("tell w-3 PrepareEnd G3", talk.Say(3, Entered(3, 5)));
        Assert.Equal("w-3 leaves; 1 of at least 2 workers is left. The run waits for others.", talk.RunState.SuspendReason);
    }

    [Fact]
    public void TakeBack_BeforeItHasLeft_JoinsAgain()
    {
        var talk = AtStep(5, 2);
        talk.Drain(2);
        Assert.Equal(["store pool"], talk.TakeBack(2));
        talk.Say(1, Entered(2, 6));
        var told = talk.Say(2, new WorkerMessage.Left(new Generation(2), 6));
        Assert.Contains("tell w-2 Release", told);
        Assert.Contains(WorkerId.FromNumber(2), talk.RunState.Joiners.Keys);
    }

    /// <summary>A run that waits lets nobody go. One that was to leave it, and was free to serve again, was counted for another run, which waited for it, and the first waited for the second.</summary>
    [Fact]
    public void TakeBack_TheRunIsPaused_Stays()
    {
        var talk = AtStep(5, 3, Job(min: 3, desired: 3));
        talk.Lose(1);
        talk.Say(2, Fenced(2, 5, (3, 6)));
        talk.Say(3, Fenced(2, 5, (6, 8)));
        Assert.IsType<RunPhase.Paused>(talk.RunState.Phase);
        talk.Drain(3);
        Assert.Equal([WorkerId.FromNumber(3)], talk.RunState.Leavers);
        Assert.Equal(["store pool", "note: w-3 stays in run run after all."], talk.TakeBack(3));
        Assert.Empty(talk.RunState.Leavers);
    }

    [Fact]
    public void TakeBack_TheOtherMembersAreStillToComeBack_Stays()
    {
        var talk = AtStep(3, 2);
        var before = RunSnapshot.Of(talk.RunState);
        talk.Drain(2);
        var next = talk.Successor(ledger: 3, before);
        next.Return(2, generation: 1);
        next.TakeBack(2);
        Assert.Equal(["admit w-1", "record RunAdopted"], next.Return(1, generation: 1));
    }

    [Fact]
    public void TakeBack_WhoIsNotDrained_IsSaid()
    {
        var talk = AtStep(5, 2);
        Assert.Equal(["note: No worker w-2 is drained."], talk.TakeBack(2));
        Assert.Equal(["note: No worker w-7 is drained."], talk.TakeBack(7));
    }

    [Fact]
    public void Drain_TheProcessIsToldToEnd_IsForgotten()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Drain(1);
        Assert.Contains("store pool", talk.Say(1, new WorkerMessage.Leaving("SIGTERM")));
        Assert.Empty(talk.State.Drained);
    }

    [Fact]
    public void Drain_TheProcessStartsAfreshInItsPlace_StaysDrained()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Drain(1);
        talk.Say(1, new WorkerMessage.Leaving("libtorch is pinned otherwise.", Returns: true));
        talk.Lose(1);
        talk.AttachAgain(1);
        Assert.True(talk.State.Workers[WorkerId.FromNumber(2)].IsDrained);
    }

    [Fact]
    public void Drain_ManyThatAreKilled_TheOldestAreForgotten()
    {
        var talk = new Conversation();
        for (var worker = 1; worker <= Draining.MostAbsent + 100; worker++)
        {
            talk.Attach();
            talk.Drain(worker);
            if (worker > 1)
            {
                talk.Lose(worker);
            }
        }

        // The first is attached still; the last was when it was drained.
        Assert.Equal(Draining.MostAbsent + 2, talk.State.Drained.Count);
        Assert.Contains("process-1", talk.State.Drained.Keys);
        Assert.DoesNotContain("process-2", talk.State.Drained.Keys);
    }
}
