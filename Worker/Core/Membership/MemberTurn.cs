using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.AllReduce;

namespace Orchestrator.Worker.Core.Membership;

/// <summary>A member's state and effects while one event is worked off, and the rules of going on that all events share.</summary>
internal sealed class MemberTurn(MemberState state)
{
    public MemberState State { get; set; } = state;

    public ImmutableArray<MemberEffect>.Builder Effects { get; } = ImmutableArray.CreateBuilder<MemberEffect>();

    public void Tell(WorkerMessage message) => Effects.Add(new MemberEffect.Tell(message));

    public void Note(string sentence) => Effects.Add(new MemberEffect.Note(sentence));

    /// <summary>The exchange holds a step's whole gradient. What was retired is needed by nobody now: every member of this generation has sent a message of it.</summary>
    public void Decide(long step, Generation agreed)
    {
        var use = State.Exchange!;
        State = State with { Exchange = use with { Agreed = agreed } };
        if (State.Retired is { } retired)
        {
            State = State with { Retired = null };
            Effects.Add(new MemberEffect.ForgetExchange(retired));
        }

        TakeReduced(step);
    }

    /// <summary>The whole reduced gradient of the next step is held, whoever brought it.</summary>
    public void TakeReduced(long step)
    {
        var pass = State.Exchange is { IsLeft: false } use ? StepPass.Of(use.Plan, step + 1) : null;
        State = State with { Decided = step, HasReduced = true, Pass = pass };
        if (State.Giving.Any(feed => feed.IsBegun))
        {
            Effects.Add(new MemberEffect.PushGradient(step));
        }
    }

    public void AnswerFence(Generation fence)
    {
        State = State with { Fencing = null };
        var held = State.Pass is { } pass && pass.Step == State.Decided + 1 ? pass.Ranges() : [];
        Tell(new WorkerMessage.Fenced(fence, State.Decided, held, State.HasReduced));
    }

    /// <summary>A bucket of the last rank is final before its pass is over.</summary>
    public void Stream(long step, int bucket)
    {
        if (State.Work is MemberWork.Compute { IsStreamed: true } && State is { Exchange: { IsBroken: false } use, Fencing: null, Pass: { } pass }
            && use.Begun == step && pass.Step == step && bucket == use.ReadyBuckets && pass.Owned.Count == pass.Held.Count + 1)
        {
            HandOver(use, bucket);
        }
    }

    /// <summary>Goes on as far as it can be gone: begins the step, gives the training thread work, hands partials over, changes the generation.</summary>
    public void Advance()
    {
        MemberFeeds.TakeNext(this);
        TakeGift();
        Enter();
        BeginStep();
        if (State.Work is null && NextWork() is { } work)
        {
            State = State with { Work = work };
            Effects.Add(new MemberEffect.Do(work));
        }

        HandOverAll();
    }

    private void TakeGift()
    {
        if (State.Gift is { } step && State.Applied == State.Decided && State.Work is null)
        {
            State = State with { Gift = null };
            TakeReduced(step);
        }
    }

    private void BeginStep()
    {
        if (State is { Exchange: { IsBroken: false, IsLeft: false } use, Fencing: null, Pass: { } pass } && State.Applied == State.Decided
            && pass.Step == State.Applied + 1 && use.Begun == State.Applied && State.Applied < State.LastStep)
        {
            State = State with { Exchange = use with { Begun = pass.Step, ReadyBuckets = 0 } };
            Effects.Add(new MemberEffect.BeginStep(use.Plan.Generation, pass.Step, Prepared(use)));
        }
    }

    /// <summary>The highest generation that this member has prepared; what it says at the start of a step holds for the step.</summary>
    private Generation Prepared(ExchangeUse use) => State.End ?? (State.Next is { IsConnected: true } next ? next.Order.Generation : use.Plan.Generation);

    private MemberWork? NextWork()
    {
        var use = State.Exchange;
        if (State.Decided > State.Applied)
        {
            var isLast = State.Decided >= State.LastStep || (use is { IsLeft: true } && use.Agreed != State.Next?.Order.Generation);
            return new MemberWork.Apply(State.Decided, State.Floor, State.IsLead, isLast, State.TotalSteps);
        }

        if (State.Giving.FirstOrDefault(feed => feed is { IsReady: true, IsBegun: false }) is { } wanted)
        {
            // From here on every decision is one behind the state that is copied.
            State = State with { Giving = State.Giving.Replace(wanted, wanted with { IsBegun = true }) };
            return new MemberWork.Snapshot(wanted.FeedId, wanted.Joiner, wanted.Address);
        }

        if (State.Taking is { IsLoaded: false, StateStep: { } stateStep } taking)
        {
            return new MemberWork.LoadState(taking.FeedId, stateStep);
        }

        if (use is { IsBroken: false } && State.Fencing is null && (use.IsLeft || State.Applied >= State.LastStep))
        {
            return State.FinishedIn == use.Plan.Generation || use.Agreed == State.Next?.Order.Generation
                ? null : new MemberWork.Finish(State.Applied, use.Plan.Generation, State.IsLead);
        }

        // Also while fenced: these ranks stay this member's own. Not while it waits for a gift, which makes them needless.
        var isGiven = use is not null && use.Plan.StartStep > State.Decided;
        return !isGiven && State.Pass is { Missing: { } rank } pass && pass.Step == State.Applied + 1 && pass.Step <= State.LastStep
            ? new MemberWork.Compute(pass.Step, rank, pass.Held.Count + 1 == pass.Owned.Count) : null;
    }

    private void HandOverAll()
    {
        while (State is { Exchange: { IsBroken: false, IsLeft: false } use, Fencing: null, Pass: { Missing: null } pass } && !use.IsHandedOver && use.Begun == pass.Step)
        {
            HandOver(use, use.ReadyBuckets);
        }
    }

    private void HandOver(ExchangeUse use, int bucket)
    {
        State = State with { Exchange = use with { ReadyBuckets = bucket + 1 } };
        Effects.Add(new MemberEffect.HandOver(use.Plan.Generation, bucket));
    }

    /// <summary>Goes over to the generation that comes, when the members have agreed on it, or when the feed ended in front of it.</summary>
    private void Enter()
    {
        if (State.Next is not { } next || State.Work is not null || State.Applied != State.Decided || State.Fencing is not null)
        {
            return;
        }

        var generation = next.Order.Generation;
        var isAgreed = State.Exchange is { IsBroken: false } use && use.Agreed == generation;
        var isFollowed = State.Taking is { End: { } end } && end.Generation == generation && end.Step == State.Applied && next.IsConnected;
        if (!isAgreed && !isFollowed)
        {
            return;
        }

        if (State.Exchange is { } former)
        {
            Effects.Add(new MemberEffect.RetireExchange(former.Plan.Generation));
            State = State with { Retired = former.Plan.Generation, Exchange = null };
        }

        MemberFeeds.Enter(this, next);
        if (!next.Includes(State.Self))
        {
            State = State with { Next = null, Pass = null, End = null, Floor = generation };
            Tell(new WorkerMessage.Left(generation, State.Applied));
            return;
        }

        var plan = AllReducePlan.Create(generation, State.Self, next.Order.Members, State.LogicalRanks, State.Applied, State.Buckets, mostDirect: State.MostDirect);
        Open(plan, next.Order.LastStep, next.Order.TotalSteps);
        State = State with { Next = null };
    }

    /// <summary>A generation is in force from here on.</summary>
    public void Open(AllReducePlan plan, long lastStep, long totalSteps)
    {
        State = State with
        {
            Exchange = ExchangeUse.Open(plan), Floor = plan.Generation, LastStep = lastStep, TotalSteps = totalSteps, IsLead = plan.Self == 0, End = null,
        };
        Effects.Add(new MemberEffect.OpenExchange(plan));
        Tell(new WorkerMessage.Entered(plan.Generation, plan.StartStep));
        if (plan.StartStep > State.Decided)
        {
            // One step behind: what it holds of that step is kept until the gift is here, for the donor may die.
        }
        else if (State.Pass is null || State.Pass.Step != plan.StartStep + 1)
        {
            State = State with { Pass = StepPass.Of(plan, plan.StartStep + 1) };
        }
        else
        {
            // What it holds of the undecided step it keeps; what it gained is computed besides.
            State = State with { Pass = State.Pass with { Owned = StepPass.Of(plan, plan.StartStep + 1).Owned } };
        }
    }
}
