using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests;

/// <summary>Workers whose token is good for one run only.</summary>
public sealed class JoinGrantTests
{
    private static readonly string Hash = new('a', 64);

    private readonly Conversation _talk = new();
    private long _connections = 1000;

    [Fact]
    public void AWorkerOfOneRun_AnotherRunWaitsInFront_ServesItsOwnOnly()
    {
        Submit("first", null);
        Submit("own", Hash);

        Attach("own");
        Assert.IsType<RunPhase.Queued>(Find("first").Phase);
        Stop("first");

        Assert.IsType<RunPhase.Preparing>(Find("own").Phase);
    }

    [Fact]
    public void AWorkerOfOneRun_ItsRunHasAllItWants_NobodyElseGetsIt()
    {
        Submit("own", Hash);
        Assert.Contains("tell w-1 Prepare G1 avx2", Attach("own"));
        Assert.Equal(["admit w-2"], Attach("own"));

        Assert.Equal(["record RunQueued"], Submit("other", null));
        Assert.IsType<RunPhase.Queued>(Find("other").Phase);
    }

    [Fact]
    public void AWorkerOfOneRun_TheRunEnds_IsDismissedAndMayNotComeBack()
    {
        Submit("own", Hash);
        Submit("other", null);
        Attach("own");
        Attach("own");
        var effects = Stop("own");

        Assert.IsType<RunPhase.Ended>(Find("own").Phase);
        Assert.Contains("dismiss w-2: Its token was good for run own only, and that run has ended.", effects);
        Assert.Empty(_talk.State.Workers);
        Assert.IsType<RunPhase.Queued>(Find("other").Phase);
        Assert.Equal(["reject: The worker (pid 7 on host) shows a token that was good for run own only, and that run has ended."], Attach("own"));
        Assert.Equal(["reject: The worker (pid 7 on host) shows a token that was good for run never only, and that run has ended."], Attach("never"));
    }

    [Fact]
    public void AWorkerOfOneRun_SaysItIsAMemberOfAnother_IsRejected()
    {
        Submit("own", Hash);
        Assert.Equal(
            ["reject: The worker (pid 7 on host) comes back as a member of run other and shows a token that is good for run own only."],
            Attach("own", new MemberIdentity(WorkerId.FromNumber(1), new RunId("other"), new Generation(1))));
    }

    [Fact]
    public void Find_ByHash_IsTheLiveRunThatHasIt()
    {
        Submit("first", null);
        Submit("own", Hash);
        Assert.Equal(new RunId("own"), _talk.State.GrantOf(Hash));
        Assert.Null(_talk.State.GrantOf(new string('b', 64)));
        Stop("own");
        Assert.Null(_talk.State.GrantOf(Hash));
    }

    private RunState Find(string run) => _talk.State.Find(new RunId(run))!;

    private string[] Stop(string run) => _talk.Send(new ClusterEvent.StopRequested(new RunId(run), "Stopped by a test."));

    private string[] Submit(string id, string? hash) => _talk.Send(new ClusterEvent.RunSubmitted(new RunOrder
    {
        Id = new RunId(id), Job = Job(min: 1, desired: 1, max: 1), RunDir = $"/runs/{id}", JobFile = "job.yaml", JoinTokenSha256 = hash,
    }));

    private string[] Attach(string only, MemberIdentity? member = null) => _talk.Send(new ClusterEvent.WorkerAttached(
        ++_connections, new WorkerMessage.Hello(7, "host", "host:9", "host:8", "avx2", "cpu", "", "1.0") { Member = member }) { OnlyRun = new RunId(only) });
}
