using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Scheduling;

/// <summary>Runs that ask for labels, on workers that have some.</summary>
public sealed class LabelTests
{
    [Fact]
    public void Submit_WithALabel_OnlyWorkersThatHaveItServeTheRun()
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Attach(labels: "gpu=a100");
        talk.Attach(labels: "gpu=h200,zone=north");

        talk.Submit(Job(desired: 1, labels: "gpu=h200"));
        Assert.Equal([new WorkerId("w-3")], talk.RunState.Members);
        talk.Say(3, Prepared());
        talk.Attach(labels: "zone=south,gpu=h200");
        Assert.Equal([new WorkerId("w-3"), new WorkerId("w-4")], talk.RunState.Members);
    }

    [Fact]
    public void Submit_LabelsThatNobodyHas_WaitsSaysSoAndHoldsNobodyUp()
    {
        var talk = new Conversation();
        talk.Attach(labels: "gpu=a100");
        talk.Attach();
        talk.Submit(Job(desired: 1, labels: "gpu=h200,zone=north"), id: "asks");
        talk.Submit(Job(desired: 2), id: "other");

        Assert.Equal(
            "It waits for 1 of 1 worker: of the 2 that are attached it could use 0. It asks for the labels gpu=h200,zone=north, which 0 have: start workers with --label gpu=h200 --label zone=north. Runs behind it do not wait for it.",
            QueueView.Of(talk.State)[new RunId("asks")].Why);
        Assert.Equal(2, talk.Find("other").Members.Count());

        talk.Attach(labels: "zone=north,gpu=h200,more=yes");
        Assert.Equal([new WorkerId("w-3")], talk.Find("asks").Members);
    }

    [Fact]
    public void Submit_FewerHaveTheLabelThanTheRunNeeds_SaysHowMany()
    {
        var talk = new Conversation();
        talk.Attach(labels: "gpu=h200");
        talk.Attach();
        talk.Submit(Job(min: 2, desired: 2, labels: "gpu=h200"));

        Assert.Contains("which 1 has: start workers with --label gpu=h200.", QueueView.Of(talk.State)[Run].Why, StringComparison.Ordinal);
    }

    /// <summary>The first may have either worker and has the only one that the second can use.</summary>
    [Fact]
    public void Submit_TheOnlyWorkerWithTheLabelServesARunThatWantsOne_TheTwoAreExchanged()
    {
        var talk = new Conversation();
        talk.Attach(labels: "gpu=h200");
        talk.Submit(Job(desired: 1, max: 1));
        talk.Say(1, Prepared());
        talk.MissNoLedger();
        talk.Say(1, Entered(1, 0));
        talk.Attach();
        Assert.Equal([new WorkerId("w-1")], talk.RunState.Members);

        Assert.Equal(
            ["record RunQueued", "record WorkerJoining w-2 at 0", "tell w-2 Prepare G1 avx2", "record ShareLowered 1: Run run wants 1 workers at most; it had 2."],
            talk.Submit(Job(desired: 1, labels: "gpu=h200"), id: "second"));
        Assert.Equal([new WorkerId("w-1")], talk.RunState.Leavers);
        Assert.IsType<RunPhase.Queued>(talk.Find("second").Phase);
    }

    /// <summary>It was to give one up and could have more of others: it kept the one, gave it up again, and so on without an end.</summary>
    [Fact]
    public void Exchange_WhileTheRunMayGrow_TheOneThatIsGivenUpIsNotKept()
    {
        var talk = new Conversation();
        talk.Attach(labels: "gpu=h200");
        talk.Submit(Job(desired: 1, max: 2));
        talk.Say(1, Prepared());
        talk.MissNoLedger();
        talk.Say(1, Entered(1, 0));
        talk.Submit(Job(desired: 1, max: 1, labels: "gpu=h200"), id: "second");
        talk.Attach();
        talk.Attach();

        Assert.Equal([new WorkerId("w-1")], talk.RunState.Leavers);
        Assert.Equal([new WorkerId("w-2"), new WorkerId("w-3")], talk.RunState.Staying.Order());
    }

    [Fact]
    public void Attach_WithALabelThatIsNone_IsRejected() => Assert.Equal(
        ["reject: The worker (pid 101 on host) has a label that is none: 'gpu=h 200' is no label; NAME=VALUE is needed, each of 1 to 63 letters, digits, dots, hyphens, underscores or slashes, such as gpu=h200."],
        new Conversation().Send(new Cluster.ClusterEvent.WorkerAttached(1, new Orchestrator.Core.Messages.WorkerMessage.Hello(101, "host", "host:9", "", "avx2", "cpu", "", "1.0")
        {
            Labels = Orchestrator.Core.Jobs.LabelRule.None.Add("gpu", "h 200"),
        })));
}
