using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>What happens to a member of a run. Closed set.</summary>
public abstract record MemberEvent
{
    private MemberEvent() { }

    /// <summary>The coordinator ordered Activate, Fence, Switch, PrepareEnd, Feed or Follow.</summary>
    public sealed record Ordered(CoordinatorMessage Order) : MemberEvent;

    /// <summary>All members of a generation that comes can be reached.</summary>
    public sealed record Connected(Generation Generation) : MemberEvent;

    /// <summary>A member of a generation that comes cannot be reached.</summary>
    public sealed record ConnectFailed(Generation Generation, WorkerId Peer, string Reason) : MemberEvent;

    /// <summary>A bucket of the partials of this member's last logical rank is final, during its pass.</summary>
    public sealed record BucketFinal(long Step, int Bucket) : MemberEvent;

    /// <summary>The training thread has done what it was given.</summary>
    public sealed record WorkDone(MemberWork Work) : MemberEvent;

    /// <summary>The exchange holds a step's whole reduced gradient.</summary>
    /// <param name="Generation">The exchange's.</param>
    /// <param name="Step">The step.</param>
    /// <param name="Agreed">The generation that all members go to behind it.</param>
    public sealed record StepDecided(Generation Generation, long Step, Generation Agreed) : MemberEvent;

    /// <summary>The exchange cannot go on.</summary>
    /// <param name="Generation">The exchange's.</param>
    /// <param name="Peer">At whose link it broke.</param>
    /// <param name="Reason">What was seen.</param>
    public sealed record ExchangeBroken(Generation Generation, WorkerId Peer, string Reason) : MemberEvent;

    /// <summary>No peer reads this member's partials for the generation any more, and none can bring it a segment.</summary>
    public sealed record ExchangeClosed(Generation Generation) : MemberEvent;

    /// <summary>The reduced gradient that a donor gives to a member that is one step behind is held.</summary>
    public sealed record GiftArrived(Generation Generation, long Step) : MemberEvent;

    /// <summary>There is room for the copy of the state that a joiner gets.</summary>
    public sealed record FeedReady(long FeedId) : MemberEvent;

    /// <summary>More of a donor's copy of its state has come.</summary>
    /// <param name="FeedId">The feed.</param>
    /// <param name="Bytes">Of it that are here.</param>
    public sealed record StateMoved(long FeedId, long Bytes) : MemberEvent;

    /// <summary>A donor's copy of its state after a step is held.</summary>
    public sealed record StateArrived(long FeedId, long Step) : MemberEvent;

    /// <summary>The reduced gradient of a step came by the feed.</summary>
    public sealed record GradientArrived(long FeedId, long Step) : MemberEvent;

    /// <summary>The donor ended the feed behind a step: this member is part of the generation from there on.</summary>
    public sealed record FeedEnded(long FeedId, long Step, Generation Generation) : MemberEvent;

    /// <summary>A feed, given or taken, broke.</summary>
    public sealed record FeedLost(long FeedId, string Reason) : MemberEvent;
}
