using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>What the coordinator orders about generations.</summary>
internal static class MemberOrders
{
    public static void Activate(MemberTurn turn, CoordinatorMessage.Activate order)
    {
        var state = turn.State;
        if (order.Generation < state.Floor || state.Exchange is not null || state.Fencing is not null)
        {
            turn.Note($"Activate of {order.Generation} came while {(state.Exchange?.Plan.Generation ?? state.Floor)} is in force: ignored.");
            return;
        }

        var isBehind = order.StartStep == state.Decided + 1;
        var self = order.Members.ToList().FindIndex(member => member.Worker == state.Self);
        if (self < 0 || (order.StartStep != state.Decided && !isBehind))
        {
            turn.Effects.Add(new MemberEffect.Fail(
                $"{order.Generation} starts behind step {order.StartStep}; this worker ({state.Self}) holds step {state.Decided} and is {(self < 0 ? "no member" : $"member {self}")}."));
            return;
        }

        turn.State = state with { HasReduced = state.HasReduced && !isBehind };
        MemberFeeds.StopTaking(turn);
        MemberFeeds.StopGiving(turn, order.Members);
        var plan = AllReducePlan.Create(order.Generation, state.Self, order.Members, state.LogicalRanks, order.StartStep, state.Buckets, mostDirect: state.MostDirect);
        turn.Open(plan, order.LastStep, order.TotalSteps);
        if (isBehind)
        {
            turn.Effects.Add(new MemberEffect.AwaitGift(order.Generation));
        }

        if (order.Donor == self)
        {
            foreach (var behind in order.Behind)
            {
                turn.Effects.Add(new MemberEffect.Give(order.Generation, order.StartStep, self, order.Members[behind]));
            }
        }
    }

    public static void Fence(MemberTurn turn, CoordinatorMessage.Fence order)
    {
        var state = turn.State;
        if (order.Generation <= state.Floor)
        {
            turn.Note($"Fence({order.Generation}) is not newer than {state.Floor}: ignored.");
            return;
        }

        if (state.Next is { } next)
        {
            turn.Effects.Add(new MemberEffect.Disconnect(next.Order.Generation));
        }

        if (state.Retired is { } retired)
        {
            turn.Effects.Add(new MemberEffect.ForgetExchange(retired));
        }

        turn.State = state with { Floor = order.Generation, Next = null, End = null, Retired = null, Gift = null, Fencing = order.Generation };
        if (state.Exchange is not { } use)
        {
            // Nothing to close; while another fence is being carried out, its end answers this one.
            turn.AnswerFence(order.Generation);
        }
        else if (state.Fencing is null)
        {
            turn.Effects.Add(new MemberEffect.CloseExchange(use.Plan.Generation, order.Reason));
        }
    }

    public static void Switch(MemberTurn turn, CoordinatorMessage.Switch order)
    {
        var state = turn.State;
        if (order.Generation <= state.Floor || state.Next is not null || state.Fencing is not null || (state.Exchange is null && state.Taking is null))
        {
            turn.Note($"Switch({order.Generation}) came in {state.Floor}{(state.Next is { } next ? $" while {next.Order.Generation} is being prepared" : "")}: ignored.");
            return;
        }

        turn.State = state with { Next = new PlannedChange(order, IsConnected: false) };
        if (turn.State.Next!.Includes(state.Self))
        {
            turn.Effects.Add(new MemberEffect.Connect(AllReducePlan.Create(
                order.Generation, state.Self, order.Members, state.LogicalRanks, state.Applied, state.Buckets, mostDirect: state.MostDirect)));
        }
        else
        {
            // Whoever leaves has nobody to connect to.
            turn.State = turn.State with { Next = turn.State.Next with { IsConnected = true } };
        }
    }
}
