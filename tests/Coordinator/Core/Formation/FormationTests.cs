using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Formation;

public sealed class FormationTests
{
    [Theory]
    [InlineData("auto", "avx512,avx2", "avx2")]
    [InlineData("auto", "avx512,avx512", "avx512")]
    [InlineData("auto", "avx512,default,avx2", "default")]
    [InlineData("auto", "avx512,something-newer", "default")]
    [InlineData("avx2", "avx512,avx2", "avx2")]
    [InlineData("default", "avx512", "default")]
    public void Choose_Levels_GivesTheNewestThatAllHave(string asked, string levels, string expected) =>
        Assert.Equal(expected, IsaRule.Choose(asked, levels.Split(',').Select(Candidate)));

    [Fact]
    public void Submit_ExplicitIsaAboveAWorkers_RefusesThatWorkerAndSaysWhy()
    {
        var talk = new Conversation();
        talk.Attach(isa: "avx512");
        talk.Attach(isa: "avx2");
        talk.Attach(isa: "avx512");

        Assert.Equal(
            [
                "record RunQueued",
                "record WorkerRefused w-2: worker w-2 (pid 102 on host) has avx2 as its newest instruction set and the job asks for avx512. Set workers.isa to auto, or start the worker on a newer processor.",
                "record GenerationPreparing", "tell w-1 Prepare G1 avx512", "tell w-3 Prepare G1 avx512", "timer Prepare G1 1800 s",
            ],
            talk.Submit(Job(isa: "avx512")));
    }

    [Fact]
    public void Submit_EmbeddedAndIsaTooNew_EndsWithTheReason()
    {
        var talk = new Conversation();
        talk.Attach(launcher: "me");

        Assert.Equal(
            "end Failed 1: worker w-1 (pid 101 on host) has avx2 as its newest instruction set and the job asks for avx512. Set workers.isa to auto, or start the worker on a newer processor.",
            talk.Submit(Job(desired: 1, isa: "avx512"), launcher: "me")[^1]);
    }

    [Fact]
    public void Submit_Embedded_TakesOnlyItsLaunchersWorkersAndAllOfThem()
    {
        var talk = new Conversation();
        talk.Attach(launcher: "other");

        Assert.Equal(["record RunQueued", "timer Grace G0 180 s"], talk.Submit(Job(desired: 2), launcher: "me"));
        Assert.Equal(["admit w-2"], talk.Attach(launcher: "me"));
        Assert.Equal(["admit w-3", "record GenerationPreparing", "tell w-2 Prepare G1 avx2", "tell w-3 Prepare G1 avx2", "timer Prepare G1 1800 s"], talk.Attach(launcher: "me"));
    }

    [Fact]
    public void Launch_TakesTooLong_FailsWithNumbers()
    {
        var talk = new Conversation();
        talk.Submit(Job(min: 2, desired: 2), launcher: "me");
        talk.Attach(launcher: "me");

        Assert.Equal(
            "end Failed 1: 1 worker is free; 2 needed: waiting for 1 more. After 180 s the wait ends; look into /runs/run/logs.",
            talk.Fire(Core.Runs.RunTimer.Grace, 0)[^1]);
    }

    [Fact]
    public void Launch_OneOfTwoDoesNotStart_TheOtherBeginsAfterTheWait()
    {
        var talk = new Conversation();
        talk.Submit(Job(min: 1, desired: 2), launcher: "me");
        talk.Attach(launcher: "me");

        Assert.Equal("tell w-1 Prepare G1 avx2", talk.Fire(Core.Runs.RunTimer.Grace, 0)[1]);
    }

    [Fact]
    public void Launch_Fails_EndsTheRunWithTheReason()
    {
        var talk = new Conversation();
        talk.Submit(Job(desired: 2), launcher: "me");

        Assert.Equal(["record RunEnded", "end Failed 1: no libtorch"], talk.Send(new Core.Cluster.ClusterEvent.LaunchFailed(Run, "no libtorch")));
    }

    [Fact]
    public void Decide_Agreement_TheMajorityStays()
    {
        var decision = AgreementRule.Decide(new Dictionary<int, WorkerMessage.Prepared>
        {
            [1] = Prepared(data: "odd"), [2] = Prepared(), [3] = Prepared(), [4] = Prepared(libtorch: "2.4", canary: "x"),
        }.ToPrepared());

        Assert.Equal([new WorkerId("w-2"), new WorkerId("w-3")], decision.Agreed);
        Assert.Equal(
            [
                "worker w-1 does not agree with w-2, w-3: data sha256 is odd and not d. Give every host the same data files at the same path.",
                "worker w-4 does not agree with w-2, w-3: canary gradient is x and not c; fingerprint libtorch is 2.4 and not 1.13. Use the same libtorch and the same kind of device on every host.",
            ],
            decision.Refusals.Select(refusal => refusal.Reason));
    }

    [Fact]
    public void Decide_Tie_TheLowestIdWins()
    {
        var decision = AgreementRule.Decide(new Dictionary<int, WorkerMessage.Prepared> { [9] = Prepared(state: "a"), [10] = Prepared(state: "b") }.ToPrepared());

        Assert.Equal([new WorkerId("w-9")], decision.Agreed);
        Assert.StartsWith("worker w-10 does not agree with w-9: state sha256 is b and not a.", decision.Refusals.Single().Reason);
    }

    private static Candidate Candidate(string isa) => new(new WorkerId("w-1"), new WorkerMessage.Hello(1, "h", "a:1", "", isa, "cpu", "", "1.0"));
}

internal static class PreparedExtensions
{
    public static System.Collections.Immutable.ImmutableSortedDictionary<WorkerId, WorkerMessage.Prepared> ToPrepared(this Dictionary<int, WorkerMessage.Prepared> answers) =>
        System.Collections.Immutable.ImmutableSortedDictionary.CreateRange(answers.Select(entry => KeyValuePair.Create(WorkerId.FromNumber(entry.Key), entry.Value)));
}
