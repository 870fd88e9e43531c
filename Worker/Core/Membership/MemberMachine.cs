using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>Decides what a member of a run does: its steps, its generations, what it keeps and what it gives to others. Protocol/GENERATIONS.md is the contract.</summary>
/// <remarks>
/// The training thread gets one piece of work at a time and is never interrupted: a fence cuts off the exchange and leaves the pass alone. The exchange decides
/// segment by segment (AllReduceMachine) and only says here when a step is decided.
/// </remarks>
public static class MemberMachine
{
    public static (MemberState Next, ImmutableArray<MemberEffect> Effects) Step(MemberState state, MemberEvent @event)
    {
        var turn = new MemberTurn(state);
        switch (@event)
        {
            case MemberEvent.Ordered ordered:
                Obey(turn, ordered.Order);
                break;
            case MemberEvent.Connected connected when state.Next?.Order.Generation == connected.Generation:
                turn.State = state with { Next = state.Next with { IsConnected = true } };
                break;
            case MemberEvent.ConnectFailed failed when state.Next?.Order.Generation == failed.Generation:
                turn.Tell(new WorkerMessage.LinkBroken(failed.Generation, failed.Peer, failed.Reason));
                break;
            case MemberEvent.BucketFinal final:
                turn.Stream(final.Step, final.Bucket);
                break;
            case MemberEvent.WorkDone done when done.Work == state.Work:
                turn.State = state with { Work = null };
                WorkDone(turn, done.Work);
                break;
            case MemberEvent.StepDecided decided when state.Exchange is { IsBroken: false } use && use.Plan.Generation == decided.Generation:
                turn.Decide(decided.Step, decided.Agreed);
                break;
            case MemberEvent.ExchangeBroken broken when state.Exchange is { IsBroken: false } use && use.Plan.Generation == broken.Generation && state.Fencing is null:
                turn.State = state with { Exchange = use with { IsBroken = true } };
                turn.Tell(new WorkerMessage.LinkBroken(broken.Generation, broken.Peer, broken.Reason));
                break;
            case MemberEvent.ExchangeClosed closed when state.Fencing is { } fence && state.Exchange?.Plan.Generation == closed.Generation:
                turn.State = state with { Exchange = null };
                turn.AnswerFence(fence);
                break;
            case MemberEvent.GiftArrived gift when state.Exchange?.Plan.Generation == gift.Generation && state.Decided + 1 == gift.Step:
                turn.State = state with { Gift = gift.Step };
                break;
            case MemberEvent.FeedReady or MemberEvent.StateMoved or MemberEvent.StateArrived or MemberEvent.GradientArrived or MemberEvent.FeedEnded or MemberEvent.FeedLost:
                MemberFeeds.Step(turn, @event);
                break;
            default:
                turn.Note($"{@event} changes nothing.");
                break;
        }

        turn.Advance();
        return (turn.State, turn.Effects.ToImmutable());
    }

    private static void Obey(MemberTurn turn, CoordinatorMessage order)
    {
        switch (order)
        {
            case CoordinatorMessage.Activate activate:
                MemberOrders.Activate(turn, activate);
                break;
            case CoordinatorMessage.Fence fence:
                MemberOrders.Fence(turn, fence);
                break;
            case CoordinatorMessage.Switch change:
                MemberOrders.Switch(turn, change);
                break;
            case CoordinatorMessage.PrepareEnd end when turn.State.Exchange?.Plan.Generation == end.Generation:
                turn.State = turn.State with { End = end.Generation.Next };
                break;
            case CoordinatorMessage.Feed feed:
                MemberFeeds.Give(turn, feed);
                break;
            case CoordinatorMessage.Follow follow:
                MemberFeeds.Follow(turn, follow);
                break;
            default:
                turn.Note($"The order {order} is for another generation than {turn.State.Floor}: ignored.");
                break;
        }
    }

    private static void WorkDone(MemberTurn turn, MemberWork work)
    {
        var state = turn.State;
        switch (work)
        {
            case MemberWork.Compute compute when state.Pass?.Step == compute.Step:
                turn.State = state with { Pass = state.Pass with { Held = state.Pass.Held.Add(compute.Rank) } };
                break;
            case MemberWork.Apply apply:
                turn.State = state with { Applied = apply.Step };
                MemberFeeds.Applied(turn, apply.Step);
                break;
            case MemberWork.Finish finish:
                turn.State = state with { FinishedIn = finish.Generation };
                break;
            case MemberWork.LoadState load:
                MemberFeeds.Loaded(turn, load);
                break;
        }
    }
}
