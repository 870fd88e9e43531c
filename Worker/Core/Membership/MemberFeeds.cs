using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>Feeds: a copy of one member's state and then every reduced gradient, by which a joiner reaches the others while they train on.</summary>
internal static class MemberFeeds
{
    /// <summary>Before anything has come.</summary>
    private const long Nothing = -1;

    public static void Give(MemberTurn turn, CoordinatorMessage.Feed order)
    {
        if (turn.State.Taking is { IsLoaded: false })
        {
            turn.Tell(new WorkerMessage.FeedBroken(order.FeedId, $"{turn.State.Self} is only joining itself."));
            return;
        }

        if (turn.State.Giving.Any(feed => feed.FeedId == order.FeedId))
        {
            turn.Note($"Feed({order.FeedId}) is given already: ignored.");
            return;
        }

        turn.State = turn.State with { Giving = turn.State.Giving.Add(new FeedGiven(order.FeedId, order.Joiner, order.CollectiveAddress, IsReady: false, IsBegun: false)) };
        turn.Effects.Add(new MemberEffect.ReadyFeed(order.FeedId, order.Joiner, order.CollectiveAddress));
    }

    public static void Follow(MemberTurn turn, CoordinatorMessage.Follow order)
    {
        if (turn.State.Exchange is not null || turn.State.Taking?.FeedId == order.FeedId)
        {
            turn.Note($"Follow({order.FeedId}) came to a member of {turn.State.Floor}, or for the second time: ignored.");
            return;
        }

        turn.State = turn.State with { Taking = new FeedTaken(order.FeedId, null, IsLoaded: false, Nothing, null), TotalSteps = order.TotalSteps, LastStep = order.TotalSteps };
        turn.Effects.Add(new MemberEffect.TakeFeed(order.FeedId));
    }

    public static void Step(MemberTurn turn, MemberEvent @event)
    {
        var (state, taking) = (turn.State, turn.State.Taking);
        switch (@event)
        {
            case MemberEvent.FeedReady ready when state.Giving.FirstOrDefault(feed => feed.FeedId == ready.FeedId) is { IsReady: false } feed:
                turn.State = state with { Giving = state.Giving.Replace(feed, feed with { IsReady = true }) };
                break;
            case MemberEvent.StateMoved moved when taking?.FeedId == moved.FeedId && taking.StateStep is null:
                turn.Tell(new WorkerMessage.Followed(moved.FeedId, Nothing, moved.Bytes));
                break;
            case MemberEvent.StateArrived arrived when taking?.FeedId == arrived.FeedId:
                turn.State = state with { Taking = taking with { StateStep = arrived.Step, Arrived = arrived.Step } };
                break;
            case MemberEvent.GradientArrived arrived when taking?.FeedId == arrived.FeedId && arrived.Step == taking.Arrived + 1:
                turn.State = state with { Taking = taking with { Arrived = arrived.Step } };
                break;
            case MemberEvent.FeedEnded ended when taking?.FeedId == ended.FeedId:
                turn.State = state with { Taking = taking with { End = (ended.Step, ended.Generation) } };
                break;
            case MemberEvent.FeedLost lost when taking?.FeedId == lost.FeedId && taking.End is null:
                turn.Tell(new WorkerMessage.FeedBroken(lost.FeedId, lost.Reason));
                break;
            case MemberEvent.FeedLost lost when state.Giving.Any(feed => feed.FeedId == lost.FeedId):
                turn.State = state with { Giving = state.Giving.RemoveAll(feed => feed.FeedId == lost.FeedId) };
                turn.Effects.Add(new MemberEffect.DropFeed(lost.FeedId, lost.Reason));
                turn.Tell(new WorkerMessage.FeedBroken(lost.FeedId, lost.Reason));
                break;
            default:
                turn.Note($"{@event} is of no feed that is open.");
                break;
        }
    }

    /// <summary>A joiner applies what has come, one step after another.</summary>
    public static void TakeNext(MemberTurn turn)
    {
        var state = turn.State;
        if (state is { Taking: { IsLoaded: true } taking, Work: null } && state.Applied == state.Decided && taking.Arrived > state.Applied)
        {
            turn.TakeReduced(state.Applied + 1);
        }
    }

    public static void Applied(MemberTurn turn, long step)
    {
        if (turn.State.Taking is { IsLoaded: true } taking)
        {
            turn.Tell(new WorkerMessage.Followed(taking.FeedId, step));
        }
    }

    public static void Loaded(MemberTurn turn, MemberWork.LoadState load)
    {
        if (turn.State.Taking is { IsLoaded: false } taking && taking.FeedId == load.FeedId)
        {
            turn.State = turn.State with { Taking = taking with { IsLoaded = true }, Applied = load.Step, Decided = load.Step, HasReduced = false };
            turn.Tell(new WorkerMessage.Followed(load.FeedId, load.Step));
        }
    }

    /// <summary>The generation changes behind the step that was applied last: feeds to those who are in it now end there.</summary>
    public static void Enter(MemberTurn turn, PlannedChange next)
    {
        StopTaking(turn);
        foreach (var feed in turn.State.Giving.Where(feed => next.Includes(feed.Joiner)))
        {
            turn.Effects.Add(new MemberEffect.EndFeed(feed.FeedId, turn.State.Applied, next.Order.Generation));
        }

        turn.State = turn.State with { Giving = turn.State.Giving.RemoveAll(feed => next.Includes(feed.Joiner)) };
    }

    public static void StopTaking(MemberTurn turn)
    {
        if (turn.State.Taking is { } taking)
        {
            turn.State = turn.State with { Taking = null };
            turn.Effects.Add(new MemberEffect.CloseFeed(taking.FeedId));
        }
    }

    /// <summary>Joiners that are members now need no feed: the first step of the generation starts from what they hold.</summary>
    public static void StopGiving(MemberTurn turn, ImmutableArray<Member> members)
    {
        foreach (var feed in turn.State.Giving.Where(feed => members.Any(member => member.Worker == feed.Joiner)))
        {
            turn.Effects.Add(new MemberEffect.DropFeed(feed.FeedId, "The joiner is a member now."));
        }

        turn.State = turn.State with { Giving = turn.State.Giving.RemoveAll(feed => members.Any(member => member.Worker == feed.Joiner)) };
    }
}
