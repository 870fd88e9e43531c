using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Worker.Core.Tests.Lifecycle;

/// <summary>A standing member loses its coordinator, trains on, and comes back.</summary>
public sealed class AloneTests
{
    private static readonly Generation First = new(1);
    private static readonly WorkerId Self = new("w-1");
    private static readonly CoordinatorMessage.Activate Activate = new(First, [new Member(Self, "h:1", 0, 8)], 0, 10, 10, null, []);

    private static readonly WorkerMessage.Prepared Prepared =
        new(First, 10, "data", ImmutableSortedDictionary<string, string>.Empty, "canary", "state", 0, 100, 1, 400);

    private WorkerState _state = WorkerState.Start(endsWithRun: false);

    [Fact]
    public void CoordinatorLost_WhileTraining_TrainsOnAndSaysWhatItIsAMemberOf()
    {
        Train(term: 3);
        Assert.Equal([new WorkerEffect.Reattach("reset", new MemberIdentity(Self, new RunId("r"), First))], See(new WorkerEvent.CoordinatorLost("reset")));
        Assert.Empty(See(new WorkerEvent.StepApplied(Step(1))));
        Assert.Equal((WorkerPhase.Training, 1L), (_state.Phase, _state.AppliedSteps));
        // Nobody answered for long: it tries on.
        Assert.IsType<WorkerEffect.Reattach>(Assert.Single(See(new WorkerEvent.CoordinatorLost("nobody answers"))));
    }

    [Fact]
    public void CoordinatorLost_BetweenAFenceAndItsActivate_SaysThatItIsFenced()
    {
        Train(term: 3);
        Hear(new CoordinatorMessage.Fence(new Generation(2), "a loss"));
        Assert.Equal([new WorkerEffect.Reattach("reset", new MemberIdentity(Self, new RunId("r"), new Generation(2), IsFenced: true))], See(new WorkerEvent.CoordinatorLost("reset")));
        Hear(new CoordinatorMessage.Welcome(Self) { Term = 4, RecordedStep = 0 });
        Hear(new CoordinatorMessage.Fence(new Generation(3), "a take-over"));
        Hear(Activate with { Generation = new Generation(3) });
        Assert.Equal([new WorkerEffect.Reattach("again", new MemberIdentity(Self, new RunId("r"), new Generation(3)))], See(new WorkerEvent.CoordinatorLost("again")));
    }

    [Fact]
    public void Welcome_ItsMembershipHolds_TellsAgainWhatIsNotRecorded()
    {
        Train(term: 3);
        See(new WorkerEvent.StepApplied(Step(1)));
        See(new WorkerEvent.StepApplied(Step(2)));
        Hear(new CoordinatorMessage.Recorded(1));
        See(new WorkerEvent.CoordinatorLost("reset"));
        See(new WorkerEvent.StepApplied(Step(3)));
        var saved = new WorkerMessage.CheckpointSaved(First, 3, "/c", "hash", 1, 1, 1, null);
        See(new WorkerEvent.Reported(saved));
        See(new WorkerEvent.StepApplied(Step(4)));

        var told = Hear(new CoordinatorMessage.Welcome(Self) { Term = 4, RecordedStep = 2 });
        Assert.Equal([Step(3), Step(4), saved, new WorkerMessage.CaughtUp()], told.OfType<WorkerEffect.Send>().Select(send => send.Message));
        Assert.Equal([new WorkerEffect.Send(Step(5))], See(new WorkerEvent.StepApplied(Step(5))));
        Assert.Equal(4, _state.Term);
    }

    [Fact]
    public void Welcome_TheRunWentOnWithoutIt_DropsItAndIsFree()
    {
        Train(term: 3);
        See(new WorkerEvent.CoordinatorLost("reset"));
        var told = Hear(new CoordinatorMessage.Welcome(new WorkerId("w-9")) { Term = 4 });
        Assert.Equal(["Note", "StopTraining", "DropRun"], told.Select(effect => effect.GetType().Name));
        Assert.Equal((WorkerPhase.Idle, new WorkerId("w-9"), false), (_state.Phase, _state.Worker, _state.IsAlone));
    }

    [Fact]
    public void Welcome_OfAnOlderTerm_HangsUpAndGoesOn()
    {
        Train(term: 3);
        See(new WorkerEvent.CoordinatorLost("reset"));
        var hangUp = Assert.IsType<WorkerEffect.HangUp>(Assert.Single(Hear(new CoordinatorMessage.Welcome(Self) { Term = 2, RecordedStep = 0 })));
        Assert.Equal(("The coordinator has term 2 and a newer one has term 3.", true), (hangUp.Reason, hangUp.IsRefusal));
        Assert.True(_state.IsAlone);
        Assert.IsType<WorkerEffect.Reattach>(Assert.Single(See(new WorkerEvent.CoordinatorLost("hung up"))));
    }

    /// <summary>A thawed owner had an order behind its Welcome, and it took effect while the stream's end was on its way.</summary>
    [Fact]
    public void Order_BehindAWelcomeOfAnOlderTerm_IsRefused()
    {
        Train(term: 3);
        See(new WorkerEvent.CoordinatorLost("reset"));
        Hear(new CoordinatorMessage.Welcome(Self) { Term = 2, RecordedStep = 0 });
        var refused = Assert.IsType<WorkerEffect.Refuse>(Assert.Single(Hear(new CoordinatorMessage.Fence(new Generation(2), "old"))));
        Assert.Equal("Fence came from a coordinator that this worker has left: refused.", refused.Reason);
        Assert.Equal((First, 3L), (_state.Generation, _state.Term));

        See(new WorkerEvent.CoordinatorLost("hung up"));
        Hear(new CoordinatorMessage.Welcome(Self) { Term = 4, RecordedStep = 0 });
        Assert.IsType<WorkerEffect.Order>(Assert.Single(Hear(new CoordinatorMessage.Fence(new Generation(2), "new"))));
    }

    [Fact]
    public void LeaveRequested_WhileAlone_IsToldToTheNextCoordinator()
    {
        Train(term: 1);
        See(new WorkerEvent.CoordinatorLost("reset"));
        Assert.IsType<WorkerEffect.Note>(Assert.Single(See(new WorkerEvent.LeaveRequested("SIGTERM."))));
        Assert.IsType<WorkerMessage.Leaving>(Hear(new CoordinatorMessage.Welcome(Self) { Term = 2, RecordedStep = 0 }).OfType<WorkerEffect.Send>().Last().Message);
    }

    [Fact]
    public void Kept_FarMoreStepsThanFit_TheOldestGo()
    {
        var kept = KeptReports.None;
        for (var step = 1L; step <= KeptReports.MostSteps + 5; step++)
        {
            kept = kept.With(Step(step));
        }

        Assert.Equal((KeptReports.MostSteps, 6L), (kept.Count, kept.Steps.Peek().Step));
        Assert.Equal(0, kept.Behind(long.MaxValue).Count);
    }

    private void Train(long term)
    {
        Hear(new CoordinatorMessage.Welcome(Self) { Term = term });
        Hear(new CoordinatorMessage.Prepare(new RunId("r"), First, "{}", "avx2", "/run", null));
        See(new WorkerEvent.PreparationSucceeded(Prepared));
        Hear(Activate);
    }

    private static WorkerMessage.Progress Step(long step) => new(First, step, 1, 8, 1, 1, default, 0);

    private ImmutableArray<WorkerEffect> Hear(CoordinatorMessage message) => See(new WorkerEvent.CoordinatorSaid(message));

    private ImmutableArray<WorkerEffect> See(WorkerEvent @event)
    {
        (_state, var effects) = WorkerMachine.Step(_state, @event);
        return effects;
    }
}
