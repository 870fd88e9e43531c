using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>What a member's shell has to do, in the order given. Closed set.</summary>
public abstract record MemberEffect
{
    private MemberEffect() { }

    public sealed record Tell(WorkerMessage Message) : MemberEffect;

    /// <summary>Give the training thread its next piece of work; it has none now.</summary>
    public sealed record Do(MemberWork Work) : MemberEffect;

    /// <summary>Connect to all members of a generation that comes; answer with Connected. The present one goes on meanwhile.</summary>
    public sealed record Connect(AllReducePlan Plan) : MemberEffect;

    /// <summary>Give up the connections of a generation that will not come.</summary>
    public sealed record Disconnect(Generation Generation) : MemberEffect;

    /// <summary>Make the exchange of a generation, over the connections that stand, or over new ones.</summary>
    public sealed record OpenExchange(AllReducePlan Plan) : MemberEffect;

    /// <summary>Begin a step: it gets a reduced buffer of its own; that of the step before is kept, older ones are free.</summary>
    public sealed record BeginStep(Generation Generation, long Step, Generation Prepared) : MemberEffect;

    /// <summary>This member's partials of a bucket are final: send them, and add what can be added.</summary>
    public sealed record HandOver(Generation Generation, int Bucket) : MemberEffect;

    /// <summary>Cut the exchange off; answer with ExchangeClosed when nothing of it reads or writes memory any more.</summary>
    public sealed record CloseExchange(Generation Generation, string Reason) : MemberEffect;

    /// <summary>Send what is owed and end the streams in order; stay open for members that still need this one.</summary>
    public sealed record RetireExchange(Generation Generation) : MemberEffect;

    /// <summary>Everybody has left the retired generation: free it.</summary>
    public sealed record ForgetExchange(Generation Generation) : MemberEffect;

    /// <summary>Give the reduced gradient of the step that was decided last to a member that is behind.</summary>
    public sealed record Give(Generation Generation, long Step, int Self, Member To) : MemberEffect;

    /// <summary>Be ready for such a gift; answer with GiftArrived.</summary>
    public sealed record AwaitGift(Generation Generation) : MemberEffect;

    /// <summary>Connect to a joiner and make room for a copy of the state; answer with FeedReady, or with FeedLost.</summary>
    public sealed record ReadyFeed(long FeedId, WorkerId Joiner, string Address) : MemberEffect;

    /// <summary>Push the reduced gradient of a step to every joiner whose copy of the state is made, or being made.</summary>
    public sealed record PushGradient(long Step) : MemberEffect;

    /// <summary>End a feed in order; drop one of which no state was copied.</summary>
    public sealed record EndFeed(long FeedId, long Step, Generation Generation) : MemberEffect;

    /// <summary>Drop a feed that is given.</summary>
    public sealed record DropFeed(long FeedId, string Reason) : MemberEffect;

    /// <summary>Take a feed from now on; a former one is dropped.</summary>
    public sealed record TakeFeed(long FeedId) : MemberEffect;

    /// <summary>Take no feed any more.</summary>
    public sealed record CloseFeed(long FeedId) : MemberEffect;

    /// <summary>Something was ignored, and why.</summary>
    public sealed record Note(string Sentence) : MemberEffect;

    /// <summary>An order that cannot be carried out: another member or the coordinator is at fault, or we are.</summary>
    public sealed record Fail(string Reason) : MemberEffect;
}
