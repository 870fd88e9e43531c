using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Worker.Core.Tests.Lifecycle;

/// <summary>A coordinator freezes: its connection stays open, and nothing comes.</summary>
public sealed class SilenceTests
{
    private WorkerState _state = WorkerState.Start(endsWithRun: false);

    [Fact]
    public void Beat_NothingHeardForThePatience_HangsUpOnce()
    {
        Welcome(TimeSpan.FromSeconds(1));
        Assert.All(Beats(3), effects => Assert.Empty(effects));
        var hangUp = Assert.IsType<WorkerEffect.HangUp>(Assert.Single(Beats(1)[0]));
        Assert.Equal("The coordinator was silent for 1.0 s; its lease may be another's after 1.0 s.", hangUp.Reason);
        Assert.False(hangUp.IsRefusal);
        // The stream's end comes by itself; until there is another coordinator, nobody is silent.
        Assert.All(Beats(20), effects => Assert.Empty(effects));
    }

    [Fact]
    public void Beat_AnythingHeardBetween_GoesOn()
    {
        Welcome(TimeSpan.FromSeconds(1));
        for (var turn = 0; turn < 5; turn++)
        {
            Assert.All(Beats(3), effects => Assert.Empty(effects));
            See(new WorkerEvent.CoordinatorSaid(turn % 2 == 0 ? new CoordinatorMessage.Heartbeat(3) : new CoordinatorMessage.Recorded(turn)));
        }
    }

    [Fact]
    public void Beat_CoordinatorThatAsksForNoWatch_IsNeverLeft()
    {
        Welcome(patience: null);
        Assert.All(Beats(1000), effects => Assert.Empty(effects));
    }

    [Fact]
    public void Beat_AfterTheNextWelcome_CountsFromThere()
    {
        Welcome(TimeSpan.FromSeconds(1));
        Beats(3);
        See(new WorkerEvent.CoordinatorLost("it broke"));
        Assert.All(Beats(3), effects => Assert.Empty(effects));
        Welcome(TimeSpan.FromSeconds(1));
        Assert.All(Beats(3), effects => Assert.Empty(effects));
        Assert.Single(Beats(1)[0]);
    }

    [Fact]
    public void Heartbeat_OfAnOlderTerm_IsRefused()
    {
        Welcome(TimeSpan.FromSeconds(1));
        var hangUp = Assert.IsType<WorkerEffect.HangUp>(Assert.Single(See(new WorkerEvent.CoordinatorSaid(new CoordinatorMessage.Heartbeat(2)))));
        Assert.Equal((true, "The coordinator has term 2 and a newer one has term 3."), (hangUp.IsRefusal, hangUp.Reason));
    }

    [Fact]
    public void Order_AfterItLeftASilentCoordinator_IsRefusedUntilTheNextWelcome()
    {
        Welcome(TimeSpan.FromSeconds(1));
        Beats(4);
        Assert.IsType<WorkerEffect.Refuse>(Assert.Single(See(new WorkerEvent.CoordinatorSaid(new CoordinatorMessage.Fence(new Generation(2), "late")))));
        Assert.Empty(See(new WorkerEvent.CoordinatorSaid(new CoordinatorMessage.Recorded(5))));
        See(new WorkerEvent.CoordinatorLost("it hung up"));
        Welcome(TimeSpan.FromSeconds(1));
        Assert.IsType<WorkerEffect.Order>(Assert.Single(See(new WorkerEvent.CoordinatorSaid(new CoordinatorMessage.Fence(new Generation(2), "fresh")))));
    }

    [Fact]
    public void Beat_OfAWorkerThatIsNoMember_WaitsThreeTimesAsLong()
    {
        Welcome(TimeSpan.FromSeconds(1));
        _state = _state with { Phase = WorkerPhase.Preparing };
        Assert.All(Beats(11), effects => Assert.Empty(effects));
        Assert.IsType<WorkerEffect.HangUp>(Assert.Single(Beats(1)[0]));
    }

    /// <summary>Of a member.</summary>
    private void Welcome(TimeSpan? patience)
    {
        See(new WorkerEvent.CoordinatorSaid(new CoordinatorMessage.Welcome(new WorkerId("w-1")) { Term = 3, Patience = patience }));
        _state = _state with { Phase = WorkerPhase.Training };
    }

    private ImmutableArray<WorkerEffect>[] Beats(int count) => [.. Enumerable.Range(0, count).Select(_ => See(new WorkerEvent.Beat()))];

    private ImmutableArray<WorkerEffect> See(WorkerEvent @event)
    {
        (_state, var effects) = WorkerMachine.Step(_state, @event);
        return effects;
    }
}
