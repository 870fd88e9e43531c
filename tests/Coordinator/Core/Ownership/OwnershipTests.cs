using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Ownership;

namespace Orchestrator.Coordinator.Core.Tests.Ownership;

/// <summary>The lease's life, told as a script: at a time, an event, and everything that follows from it.</summary>
public sealed class OwnershipTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private OwnershipState _state = new();

    [Fact]
    public void Step_FreeLease_IsTakenAdoptedAndRenewed()
    {
        At(0, new OwnershipEvent.Tick(), new OwnershipEffect.Take(1, 1));
        At(100, new OwnershipEvent.Tick());
        At(200, new OwnershipEvent.Granted(1, 7), new OwnershipEffect.Adopt(7));
        At(399, new OwnershipEvent.Tick());
        At(400, new OwnershipEvent.Tick(), new OwnershipEffect.Renew(2, 1, 7));
        At(1500, new OwnershipEvent.Granted(2, 7));
        Assert.True(_state.MayOrder(Start.AddMilliseconds(1999)));
        Assert.False(_state.MayOrder(Start.AddMilliseconds(2000)));
    }

    [Fact]
    public void Step_LeaseOfAnother_IsAskedForAgainWhenItCanHaveLapsed()
    {
        At(0, new OwnershipEvent.Tick(), new OwnershipEffect.Take(1, 1));
        At(10, new OwnershipEvent.NotGranted(1, TimeSpan.FromMilliseconds(120), "c-2 owns it."));
        Assert.Equal("c-2 owns it.", _state.Reason);
        At(129, new OwnershipEvent.Tick());
        At(130, new OwnershipEvent.Tick(), new OwnershipEffect.Take(2, 1));
        At(140, new OwnershipEvent.NotGranted(2, TimeSpan.FromSeconds(2), "c-2 owns it."));
        At(389, new OwnershipEvent.Tick());
        At(390, new OwnershipEvent.Tick(), new OwnershipEffect.Take(3, 1));
    }

    [Fact]
    public void Step_NoAnswerInTime_AsksAgainAndTheOldAnswerCountsForNothing()
    {
        At(0, new OwnershipEvent.Tick(), new OwnershipEffect.Take(1, 1));
        At(1000, new OwnershipEvent.Tick(), new OwnershipEffect.Take(2, 1));
        Hear(1100, new OwnershipEvent.Granted(1, 7), effect => effect is OwnershipEffect.Note);
        At(1200, new OwnershipEvent.Granted(2, 7), new OwnershipEffect.Adopt(7));
    }

    [Fact]
    public void Step_GrantThatComesWhenItsTimeIsOver_IsNotUsedAndTheNextStintIsAnother()
    {
        // Frozen between the request and its answer.
        At(0, new OwnershipEvent.Tick(), new OwnershipEffect.Take(1, 1));
        At(1600, new OwnershipEvent.Granted(1, 7));
        At(1600, new OwnershipEvent.Tick(), new OwnershipEffect.Take(2, 2));
    }

    [Fact]
    public void Step_CannotRenew_GivesUpBeforeTheLeaseCanLapse()
    {
        Own();
        At(400, new OwnershipEvent.Tick(), new OwnershipEffect.Renew(2, 1, 7));
        At(450, new OwnershipEvent.RequestFailed(2, "The store does not answer."));
        At(700, new OwnershipEvent.Tick(), new OwnershipEffect.Renew(3, 1, 7));
        At(1599, new OwnershipEvent.Tick());
        At(1600, new OwnershipEvent.Tick(), new OwnershipEffect.GiveUp(7, "the lease could not be renewed in time"));
        At(1850, new OwnershipEvent.Tick(), new OwnershipEffect.Take(4, 2));
    }

    [Fact]
    public void Step_ThawsAfterItsTime_GivesUpBeforeAnythingElseAndReleasesNoOrder()
    {
        Own();
        At(100, new OwnershipEvent.Decided(), new OwnershipEffect.Write(7, 1, 1));
        Hear(15_000, new OwnershipEvent.Stored(7, 1), effect => effect is OwnershipEffect.GiveUp or OwnershipEffect.Note);
        Assert.IsType<OwnershipPhase.Standby>(_state.Phase);
    }

    [Fact]
    public void Step_RenewalIsRefused_GivesUpWithTheReason()
    {
        Own();
        At(400, new OwnershipEvent.Tick(), new OwnershipEffect.Renew(2, 1, 7));
        At(420, new OwnershipEvent.NotGranted(2, TimeSpan.FromSeconds(1), "c-2 has term 8."), new OwnershipEffect.GiveUp(7, "c-2 has term 8."));
    }

    [Fact]
    public void Step_ChangesAreDecidedWhileOneIsBeingStored_GoTogetherBehindIt()
    {
        Own();
        At(100, new OwnershipEvent.Decided(), new OwnershipEffect.Write(7, 1, 1));
        At(101, new OwnershipEvent.Decided());
        At(102, new OwnershipEvent.Decided());
        At(110, new OwnershipEvent.Stored(7, 1), new OwnershipEffect.Release(7, 1, 1), new OwnershipEffect.Write(7, 2, 3));
        At(120, new OwnershipEvent.Stored(7, 3), new OwnershipEffect.Release(7, 2, 3));
    }

    [Fact]
    public void Step_AnswerOfTheStoreIsLost_SendsTheSameChangesAgainAndReleasesThemOnce()
    {
        Own();
        At(100, new OwnershipEvent.Decided(), new OwnershipEffect.Write(7, 1, 1));
        At(150, new OwnershipEvent.Decided());
        At(200, new OwnershipEvent.WriteFailed(7, 1, "The connection broke."));
        At(300, new OwnershipEvent.Tick());
        At(400, new OwnershipEvent.Tick(), new OwnershipEffect.Renew(2, 1, 7));
        At(450, new OwnershipEvent.Tick(), new OwnershipEffect.Write(7, 1, 1));
        At(500, new OwnershipEvent.Stored(7, 1), new OwnershipEffect.Release(7, 1, 1), new OwnershipEffect.Write(7, 2, 2));
        Hear(510, new OwnershipEvent.Stored(7, 1), effect => effect is OwnershipEffect.Note);
    }

    [Fact]
    public void Step_WriteIsRefused_GivesUpAndDropsWhatWaits()
    {
        Own();
        At(100, new OwnershipEvent.Decided(), new OwnershipEffect.Write(7, 1, 1));
        At(120, new OwnershipEvent.WriteRefused(7, "c-2 has term 8."), new OwnershipEffect.GiveUp(7, "c-2 has term 8."));
        Hear(130, new OwnershipEvent.Stored(7, 1), effect => effect is OwnershipEffect.Note);
    }

    [Fact]
    public void Step_EndOfTheOwner_SurrendersTheLeaseAndAsksForNothingMore()
    {
        Own();
        At(100, new OwnershipEvent.EndRequested(), new OwnershipEffect.GiveUp(7, "it ends"), new OwnershipEffect.Surrender(1, 7));
        At(5000, new OwnershipEvent.Tick());
    }

    private void Own()
    {
        At(0, new OwnershipEvent.Tick(), new OwnershipEffect.Take(1, 1));
        At(0, new OwnershipEvent.Granted(1, 7), new OwnershipEffect.Adopt(7));
    }

    private void At(int millis, OwnershipEvent @event, params OwnershipEffect[] expected)
    {
        (_state, var effects) = OwnershipMachine.Step(_state, @event, Start.AddMilliseconds(millis));
        Assert.Equal(expected, effects);
    }

    private void Hear(int millis, OwnershipEvent @event, Func<OwnershipEffect, bool> isExpected)
    {
        (_state, ImmutableArray<OwnershipEffect> effects) = OwnershipMachine.Step(_state, @event, Start.AddMilliseconds(millis));
        Assert.All(effects, effect => Assert.True(isExpected(effect), $"{effect}"));
    }
}
