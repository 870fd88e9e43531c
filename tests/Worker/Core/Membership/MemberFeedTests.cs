using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.Membership;

namespace Orchestrator.Worker.Core.Tests.Membership;

/// <summary>When a donor copies its state for a joiner.</summary>
public sealed class MemberFeedTests
{
    private const long FeedId = 7;

    private static readonly WorkerId Self = WorkerId.FromNumber(1);
    private static readonly WorkerId Joiner = WorkerId.FromNumber(2);
    private static readonly MemberWork Snapshot = new MemberWork.Snapshot(FeedId, Joiner, "h:2");

    private MemberState _state = MemberState.Start(Self, 1, [new ElementRange(0, 16)], 0);

    [Fact]
    public void Feed_BeforeThereIsRoomForTheCopy_TheMemberTrainsOn()
    {
        Activate();
        Assert.Equal([new MemberEffect.ReadyFeed(FeedId, Joiner, "h:2")], Order());
        Assert.Equal(new MemberWork.Compute(1, 0, IsStreamed: true), _state.Work);
        Finish(_state.Work!);
        Assert.IsNotType<MemberWork.Snapshot>(_state.Work);
        Assert.DoesNotContain(Decide(), effect => effect is MemberEffect.PushGradient);
    }

    [Fact]
    public void FeedReady_WithinAPass_TheStateIsCopiedBehindItAndGradientsFollow()
    {
        Activate();
        Order();
        Assert.Empty(Hear(new MemberEvent.FeedReady(FeedId)));
        Assert.Contains(new MemberEffect.Do(Snapshot), Finish(_state.Work!));
        Assert.Contains(new MemberEffect.PushGradient(1), Decide());
    }

    [Fact]
    public void FeedReady_OfAFeedThatWasLost_ChangesNothing()
    {
        Activate();
        Order();
        var effects = Hear(new MemberEvent.FeedLost(FeedId, "it died"));
        Assert.Equal([new MemberEffect.DropFeed(FeedId, "it died"), new MemberEffect.Tell(new WorkerMessage.FeedBroken(FeedId, "it died"))], effects);
        Assert.IsType<MemberEffect.Note>(Assert.Single(Hear(new MemberEvent.FeedReady(FeedId))));
        Finish(_state.Work!);
        Assert.IsNotType<MemberWork.Snapshot>(_state.Work);
    }

    private void Activate() => Hear(new MemberEvent.Ordered(new CoordinatorMessage.Activate(new Generation(1), [new Member(Self, "h:1", 0, 1)], 0, 10, 10, null, [])));

    private ImmutableArray<MemberEffect> Order() => Hear(new MemberEvent.Ordered(new CoordinatorMessage.Feed(FeedId, Joiner, "h:2")));

    private ImmutableArray<MemberEffect> Finish(MemberWork work) => Hear(new MemberEvent.WorkDone(work));

    private ImmutableArray<MemberEffect> Decide() => Hear(new MemberEvent.StepDecided(new Generation(1), 1, new Generation(1)));

    private ImmutableArray<MemberEffect> Hear(MemberEvent @event)
    {
        (_state, var effects) = MemberMachine.Step(_state, @event);
        return effects;
    }
}
