using Orchestrator.Coordinator.Core.Changes;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Changes;

public sealed class JoinTests
{
    private static WorkerMessage.Followed Followed(long step, long feed = 1) => new(feed, step);

    /// <summary>Two train and have reported step 5; the run wishes for more.</summary>
    private static Conversation TwoTrain(int desired = 3)
    {
        var talk = new Conversation();
        talk.Attach();
        talk.Attach();
        talk.Submit(Job(min: 1, desired: desired));
        talk.Fire(RunTimer.Grace, 0);
        talk.Say(1, Prepared());
        talk.Say(2, Prepared());
        for (var step = 1; step <= 5; step++)
        {
            talk.Say(1, Progress(step));
            talk.Say(2, Progress(step));
        }

        return talk;
    }

    [Fact]
    public void Attach_WhileTraining_LoadsFollowsAndComesInWhenItLagsByOne()
    {
        var talk = TwoTrain();

        Assert.Equal(["admit w-3", "record WorkerJoining w-3 at 5", "tell w-3 Prepare G1 avx2"], talk.Attach());
        Assert.Equal(["tell w-3 Follow 1", "tell w-2 Feed 1 to w-3"], talk.Say(3, Prepared()));
        talk.Say(1, Progress(6));
        talk.Say(1, Progress(7));
        Assert.Equal([], talk.Say(3, Followed(5)));
        const string Members = "Switch G2: w-1=[0,2) w-2=[2,5) w-3=[5,8)";
        Assert.Equal([$"tell w-1 {Members}", $"tell w-2 {Members}", $"tell w-3 {Members}", "timer Change G2 120 s"], talk.Say(3, Followed(6)));
        Assert.Equal([], talk.Say(1, Entered(2, 8)));
        Assert.Equal([], talk.Say(3, Entered(2, 8)));
        Assert.Equal(
            ["record GenerationFormed G2 8..100", "record WorkerReady w-1 [0,1]", "record WorkerReady w-2 [2,3,4]", "record WorkerReady w-3 [5,6,7]"],
            talk.Say(2, Entered(2, 8)).Where(line => !line.StartsWith("step", StringComparison.Ordinal)));
        Assert.Equal("w-3 joins. 3 workers go on in G2 with step 9.", talk.RunState.Reason);
        Assert.Equal((2, 3, 0L), (talk.RunState.FormedGenerations, talk.RunState.GenerationSize, talk.RunState.LostLogicalRankSteps));
    }

    /// <summary>While a way was cut, a worker that had been given up for it joined again, stopped everybody until it was given up once more, and so on.</summary>
    [Fact]
    public void LinkBroken_AJoinerAndAMemberDoNotReachEachOther_ItStaysOutAndTriesAgainLater()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));
        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
        talk.SayAtOnce(1, new WorkerMessage.LinkBroken(new Generation(2), new WorkerId("w-3"), "no answer within 3.5 s"));

        var effects = talk.Fire(RunTimer.Link, 1);

        Assert.StartsWith("record WorkerLeft w-3 at 5: it and a member do not reach each other (w-1 and w-3); it may try again later", effects[0]);
        Assert.Contains("tell w-3 Release", effects);
        Assert.Contains(effects, effect => effect.StartsWith("tell w-1 Fence G3", StringComparison.Ordinal));
        talk.Say(1, Fenced(3, 5));
        talk.Say(2, Fenced(3, 5));
        Assert.Equal(2, talk.RunState.GenerationSize);
        Assert.Equal([], talk.Pass(25));
        Assert.Contains(talk.Pass(6), effect => effect.StartsWith("record WorkerJoining w-3", StringComparison.Ordinal));
    }

    [Fact]
    public void Prepared_OfAJoinerWithOtherArithmetic_IsRefusedAndNotAskedAgain()
    {
        var talk = TwoTrain();
        talk.Attach();

        Assert.Equal(
            [
                "record WorkerRefused w-3: worker w-3 does not agree with the members: canary gradient is other and not c. Use the same build, libtorch and kind of processor on every host.",
                "tell w-3 Release",
            ],
            talk.Say(3, Prepared(canary: "other")));
        Assert.Equal(["admit w-4", "record WorkerJoining w-4 at 5", "tell w-4 Prepare G1 avx2"], talk.Attach());
    }

    [Fact]
    public void Attach_OlderProcessor_IsRefusedAtOnce()
    {
        var talk = TwoTrain();

        Assert.Contains("has default as its newest instruction set", talk.Attach(isa: "default")[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Attach_EnoughAlready_LaunchedOnesWaitAndAPersonsJoinUpToMax()
    {
        var talk = TwoTrain(desired: 2);

        Assert.Equal(["admit w-3"], talk.Attach(launcher: "someone"));
        Assert.Equal(["admit w-4", "record WorkerJoining w-4 at 5", "tell w-4 Prepare G1 avx2"], talk.Attach());
    }

    [Fact]
    public void FeedBroken_ThreeTimes_TheReasonIsSaid()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());

        Assert.Equal(["note: Feed 1 of w-3 broke: full", "tell w-3 Follow 2", "tell w-2 Feed 2 to w-3"], talk.Say(2, new WorkerMessage.FeedBroken(1, "full")));
        talk.Say(3, new WorkerMessage.FeedBroken(2, "full"));
        Assert.StartsWith("record WorkerRefused w-3: 3 feeds broke, the last because full.", talk.Say(2, new WorkerMessage.FeedBroken(3, "full"))[0]);
    }

    /// <summary>A feed that neither moved nor broke was waited for as long as the run went on.</summary>
    [Fact]
    public void Feed_NeitherMovesNorBreaks_AnotherDonorTakesOver()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Pass(50, 1, 2, 3);
        talk.Say(3, new WorkerMessage.Followed(1, -1, 1000));

        Assert.Equal([], talk.Pass(59, 1, 2, 3));
        Assert.Equal(
            ["note: Feed 1 of w-3 broke: its donor w-2 sent nothing for 60 s (patience 60 s; the joiner holds 1000 bytes of the state)", "tell w-3 Follow 2", "tell w-1 Feed 2 to w-3"],
            talk.Pass(2, 1, 2, 3));
    }

    /// <summary>It was waited for as long as the run went on, and nobody was asked in its place.</summary>
    [Fact]
    public void Prepare_AJoinerThatNeverAnswers_StartsAfresh()
    {
        var talk = TwoTrain();
        talk.Attach();
        Assert.Equal([], talk.Pass(1795, 1, 2, 3));

        var effects = talk.Pass(10, 1, 2, 3);

        Assert.Equal(["evict w-3 to start afresh: it did not get ready within 1800 s", "record WorkerLost w-3 at 5: it did not get ready within 1800 s; it had not joined yet"], effects);
        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
        Assert.Equal(["admit w-4", "record WorkerJoining w-4 at 5", "tell w-4 Prepare G1 avx2"], talk.Attach());
    }

    /// <summary>Three donors were asked in turn, though none was at fault; then it was released, and its process was of no use to anybody.</summary>
    [Fact]
    public void Feed_TheJoinerHangsWhileItTakesTheStateOver_StartsAfreshAndNoDonorIsBlamed()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        (int, WorkMark)[] works = [(1, new(WorkKind.Waiting, 5)), (2, new(WorkKind.Waiting, 5)), (3, new(WorkKind.Loading, 5))];
        Assert.Equal([], talk.PassAtWork(59, works));

        var effects = talk.PassAtWork(2, works);

        const string How = "its training thread hangs: it has taken over the state of step 5 for 60.0 s while it joined (patience 60.0 s)";
        Assert.Equal([$"evict w-3 to start afresh: {How}", $"record WorkerLost w-3 at 5: {How}; it had not joined yet"], effects);
        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
    }

    /// <summary>A large state takes its time in memory too.</summary>
    [Fact]
    public void Feed_TheJoinerTakesALargeStateOver_HasTimeForItsBytes()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, new WorkerMessage.Followed(1, -1, 10_000_000_000));
        (int, WorkMark)[] works = [(1, new(WorkKind.Waiting, 5)), (2, new(WorkKind.Waiting, 5)), (3, new(WorkKind.Loading, 5))];
        Assert.Equal([], talk.PassAtWork(158, works));
        Assert.StartsWith("evict w-3 to start afresh", talk.PassAtWork(4, works)[0]);
    }

    /// <summary>The members are in the next generation and wait for it: they waited for two minutes.</summary>
    [Fact]
    public void Change_TheJoinerHangsBeforeItIsIn_IsGivenUpLikeAMember()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));
        talk.Say(1, Entered(2, 6));
        talk.Say(2, Entered(2, 6));
        (int, WorkMark)[] works = [(1, new(WorkKind.Waiting, 6)), (2, new(WorkKind.Waiting, 6)), (3, new(WorkKind.Applying, 6))];
        Assert.Equal([], talk.PassAtWork(29, works));

        var effects = talk.PassAtWork(2, works);

        Assert.StartsWith("evict w-3 to start afresh: its training thread hangs: it has applied step 6 for 30.0 s, and 2 members have waited for 30.0 s", effects[0]);
        Assert.StartsWith("tell w-1 Fence G3", effects[2]);
        talk.Say(1, Fenced(3, 6));
        talk.Say(2, Fenced(3, 6));
        Assert.Equal(2, talk.RunState.GenerationSize);
    }

    /// <summary>The members take no step, so there is nothing to hear.</summary>
    [Fact]
    public void Feed_OfOneThatHoldsAllThereIs_IsNotGivenUp()
    {
        var talk = TwoTrain();
        talk.Say(1, new WorkerMessage.Entered(new Generation(1), 0));
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));

        Assert.DoesNotContain(talk.Pass(110, 1, 2, 3), line => line.Contains("sent nothing", StringComparison.Ordinal));
    }

    [Fact]
    public void Lost_TheDonor_AnotherOneFeeds()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Lose(2);
        talk.Say(1, Fenced(2, 5, (0, 4)));

        Assert.Equal(["tell w-3 Follow 2", "tell w-1 Feed 2 to w-3"], talk.Say(1, Entered(2, 5)));
        Assert.Equal(1, talk.RunState.Joiners[new WorkerId("w-3")].Feeds);
    }

    /// <summary>It took its feed along, the joiner was asked in with a feed that broke, and everybody was fenced.</summary>
    [Fact]
    public void Leaving_TheDonorWhileTheJoinerIsFarBehind_AnotherOneFeedsBeforeItGoes()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(2));

        var effects = talk.Say(2, new WorkerMessage.Leaving("SIGTERM"));
        Assert.Equal(["note: w-2 wants to leave: SIGTERM", "tell w-3 Follow 2", "tell w-1 Feed 2 to w-3", "tell w-1 Switch G2: w-1=[0,8)"], effects[..4]);
        Assert.Equal(1, talk.RunState.Joiners[new WorkerId("w-3")].Feeds);
        talk.Say(1, Entered(2, 6));
        Assert.Contains("tell w-2 Release", talk.Say(2, new WorkerMessage.Left(new Generation(2), 6)));
    }

    [Fact]
    public void Lost_WhileAChangeIsUnderWay_EverybodyOfBothIsFenced()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));

        var effects = talk.Lose(1);

        Assert.Equal("tell w-2 Fence G3: Worker w-1 (pid 101 on host) was lost at step 5: its stream broke.", effects[1]);
        Assert.StartsWith("tell w-3 Fence G3", effects[2]);

        // The joiner is two steps behind: it is given back, and asked again as a free worker.
        talk.Say(2, Fenced(3, 7, (4, 8)));
        var formed = talk.Say(3, new WorkerMessage.Fenced(new Generation(3), 5, [], false));
        Assert.Equal("tell w-3 Release", formed[0]);
        Assert.Contains("tell w-2 Activate G3 7..100/100: w-2=[0,8)(0-7)", formed);
        Assert.Equal("tell w-3 Prepare G3 avx2", formed[^1]);
    }

    [Fact]
    public void Lost_TheJoinerItselfWhileItEnters_TheMembersRegroup()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));

        Assert.StartsWith("tell w-1 Fence G3", talk.Lose(3)[1]);
        talk.Say(1, Fenced(3, 5, (0, 4)));
        Assert.EndsWith("w-1=[0,4)(0-3) w-2=[4,8)(4-7)", talk.Say(2, Fenced(3, 5, (4, 8)))[^1]);
        Assert.Equal(0, talk.RunState.LostLogicalRankSteps);
    }

    [Fact]
    public void Change_DoesNotComeAbout_IsCalledOffWithoutTheJoiner()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));

        var effects = talk.Fire(RunTimer.Change, 2);

        Assert.StartsWith("record WorkerLeft w-3 at 5: G2 was not formed within 120 s; w-1, w-2, w-3 did not enter", effects[0]);
        Assert.Equal("tell w-3 Release", effects[1]);
        Assert.StartsWith("tell w-1 Fence G3", effects[2]);
    }

    [Fact]
    public void Lost_WhileItLoads_TheRunGoesOn()
    {
        var talk = TwoTrain();
        talk.Attach();

        Assert.Equal(["record WorkerLost w-3 at 5: its stream broke; it had not joined yet"], talk.Lose(3));
        Assert.IsType<RunPhase.Running>(talk.RunState.Phase);
    }

    [Fact]
    public void Stop_WhileAChangeIsUnderWay_IsAskedForWhenItIsOver()
    {
        var talk = TwoTrain();
        talk.Attach();
        talk.Say(3, Prepared());
        talk.Say(3, Followed(5));

        Assert.Equal(["record RunStopping"], talk.Stop());
        talk.Say(1, Entered(2, 6));
        talk.Say(2, Entered(2, 6));
        Assert.Equal(["tell w-1 PrepareEnd G2", "tell w-2 PrepareEnd G2", "tell w-3 PrepareEnd G2"], talk.Say(3, Entered(2, 6))[^3..]);
    }

    [Fact]
    public void Ended_WhileOneLoads_TheJoinerIsReleased()
    {
        var talk = TwoTrain();
        talk.MissNoLedger();
        talk.Attach();
        talk.Say(1, Saved(100));
        talk.Say(1, Finished(100));

        Assert.Equal(["tell w-1 Release", "tell w-2 Release", "tell w-3 Release"], talk.Say(2, Finished(100))[^4..^1]);
    }

    [Fact]
    public void Joiners_Stages_AreSeenInTheState()
    {
        var talk = TwoTrain();
        talk.Attach();
        var worker = new WorkerId("w-3");

        Assert.Equal(JoinStage.Loading, talk.RunState.Joiners[worker].Stage);
        talk.Say(3, Prepared());
        Assert.Equal(JoinStage.Following, talk.RunState.Joiners[worker].Stage);
        talk.Say(3, Followed(5));
        Assert.Equal(JoinStage.Entering, talk.RunState.Joiners[worker].Stage);
    }
}
