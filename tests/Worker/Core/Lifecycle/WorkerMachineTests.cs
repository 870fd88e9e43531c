using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Lifecycle;

namespace Orchestrator.Worker.Core.Tests.Lifecycle;

public sealed class WorkerMachineTests
{
    private static readonly Generation First = new(1);
    private static readonly CoordinatorMessage.Prepare Prepare = new(new RunId("r"), First, "{}", "avx2", "/run", null);
    private static readonly CoordinatorMessage.Activate Activate = new(First, [new Member(new WorkerId("w-1"), "h:1", 0, 8)], 0, 10, 10, null, []);

    private static readonly WorkerMessage.Prepared Prepared =
        new(First, 10, "data", ImmutableSortedDictionary<string, string>.Empty, "canary", "state", 0, 100, 1, 400);

    [Fact]
    public void Step_QuietRun_PreparesTrainsAndEndsWithItsLauncher()
    {
        var script = new Script(endsWithRun: true);
        script.Hears(new CoordinatorMessage.Welcome(new WorkerId("w-1")));
        Assert.Equal(new WorkerEffect.BeginPreparation(Prepare), Assert.Single(script.Hears(Prepare)));
        Assert.Equal(new WorkerEffect.Send(Prepared), Assert.Single(script.Sees(new WorkerEvent.PreparationSucceeded(Prepared))));
        Assert.Equal(new WorkerEffect.Order(new WorkerId("w-1"), Activate), Assert.Single(script.Hears(Activate)));
        var finished = new WorkerMessage.Finished(First, 10, "hash", 320);
        Assert.Equal(new WorkerEffect.Send(finished), Assert.Single(script.Sees(new WorkerEvent.TrainingFinished(finished))));
        Assert.Equal(new WorkerEffect.Exit(0, "done"), script.Hears(new CoordinatorMessage.Release("done"))[^1]);
        Assert.Equal(WorkerPhase.Ended, script.State.Phase);
    }

    [Fact]
    public void PreparationFailed_IsRefusedWithTheReasonAndLeavesTheWorkerIdle()
    {
        var script = Preparing();
        var effects = script.Sees(new WorkerEvent.PreparationFailed("No file data.csv.", FailureKind.Environment));
        Assert.Equal(new WorkerEffect.Send(new WorkerMessage.Refused(First, "No file data.csv.", FailureKind.Environment)), effects[0]);
        Assert.Equal(WorkerPhase.Idle, script.State.Phase);
    }

    [Fact]
    public void FreshProcessNeeded_WhilePreparing_LeavesForAMomentAndStartsAfresh()
    {
        var script = Preparing();
        Assert.Equal(
            [new WorkerEffect.Send(new WorkerMessage.Leaving("pinned", Returns: true)), new WorkerEffect.DropRun("pinned"), new WorkerEffect.Restart("pinned")],
            script.Sees(new WorkerEvent.FreshProcessNeeded(First, "pinned")));
        Assert.Equal(WorkerPhase.Ended, script.State.Phase);
    }

    /// <summary>Its training thread hangs, so nothing that would wait for it may be tried. Whoever started it for a run counts its ends; a standing worker has nobody who starts it again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void StartAfresh_WhileTraining_EndsAtOnceOrStartsAfresh(bool endsWithRun)
    {
        var script = new Script(endsWithRun);
        script.Hears(new CoordinatorMessage.Welcome(new WorkerId("w-1")));
        script.Hears(Prepare);
        script.Sees(new WorkerEvent.PreparationSucceeded(Prepared));
        script.Hears(Activate);

        var effect = Assert.Single(script.Hears(new CoordinatorMessage.StartAfresh("It hangs.")));

        Assert.Equal(endsWithRun ? new WorkerEffect.Exit(1, "It hangs.") { IsHung = true } : new WorkerEffect.Restart("It hangs.") { IsHung = true }, effect);
        Assert.Equal(WorkerPhase.Ended, script.State.Phase);
    }

    [Theory]
    [InlineData("avx2", 1, null, false)]
    [InlineData("avx512", 1, null, true)]
    [InlineData("avx2", 2, null, true)]
    public void WhyFresh_AfterARunOnAvx2WithOneThread_AsksForAFreshProcessWhenEitherDiffers(string isa, int threads, string? assembly, bool isFresh)
    {
        Assert.Equal(isFresh, ProcessRule.WhyFresh(new ProcessUse("avx2", 1, null), new ProcessUse(isa, threads, assembly)) is not null);
        Assert.Null(ProcessRule.WhyFresh(null, new ProcessUse(isa, threads, assembly)));
    }

    [Fact]
    public void WhyFresh_AfterAUsersAssembly_AlwaysAsksForAFreshProcess() =>
        Assert.Contains("own.dll", ProcessRule.WhyFresh(new ProcessUse("avx2", 1, "/own.dll"), new ProcessUse("avx2", 1, null))!, StringComparison.Ordinal);

    [Fact]
    public void Abort_WhileTraining_AnswersOnlyWhenTheLoopHasStopped()
    {
        var script = Training();
        Assert.Equal(new WorkerEffect.StopTraining("w-2 died"), Assert.Single(script.Hears(new CoordinatorMessage.Abort(First, "w-2 died"))));
        Assert.Equal(new WorkerEffect.Send(new WorkerMessage.Aborted(First, 7)), Assert.Single(script.Sees(new WorkerEvent.TrainingStopped(7))));
        Assert.Equal(
            new WorkerEffect.WriteCheckpoint(First, 7), Assert.Single(script.Hears(new CoordinatorMessage.SaveCheckpoint(First))));
    }

    [Fact]
    public void TrainingFailed_BecauseAPeerDiedBeforeTheOrder_IsReportedAndThenAborted()
    {
        var script = Training();
        Assert.Equal(
            new WorkerEffect.Send(new WorkerMessage.Failed(First, 4, "w-2 was lost", FailureKind.Environment)),
            Assert.Single(script.Sees(new WorkerEvent.TrainingFailed(4, "w-2 was lost", FailureKind.Environment))));
        Assert.Equal(
            new WorkerEffect.Send(new WorkerMessage.Aborted(First, 4)), Assert.Single(script.Hears(new CoordinatorMessage.Abort(First, "w-2 was lost"))));
        Assert.Equal(new WorkerEffect.WriteCheckpoint(First, 4), Assert.Single(script.Hears(new CoordinatorMessage.SaveCheckpoint(First))));
    }

    [Fact]
    public void OrdersAboutGenerations_WhileTraining_GoToTheMember()
    {
        CoordinatorMessage[] orders = [new CoordinatorMessage.PrepareEnd(First, "stop"), new CoordinatorMessage.Fence(First.Next, "w-2 died"), Activate with { Generation = First.Next }];
        var script = Training();
        Assert.All(orders, order => Assert.Equal(new WorkerEffect.Order(new WorkerId("w-1"), order), Assert.Single(script.Hears(order))));
        Assert.Equal(First.Next, script.State.Generation);
    }

    [Fact]
    public void LeaveRequested_WhileTraining_SaysSoAndTrainsOnUntilItIsReleased()
    {
        var script = Training(endsWithRun: false);
        Assert.Equal(new WorkerEffect.Send(new WorkerMessage.Leaving("SIGTERM")), script.Sees(new WorkerEvent.LeaveRequested("SIGTERM"))[0]);
        Assert.Equal(WorkerPhase.Training, script.State.Phase);
        Assert.Equal(new WorkerEffect.Exit(0, "left"), script.Hears(new CoordinatorMessage.Release("left"))[^1]);
    }

    /// <summary>A joiner that was behind when the members regrouped was to join anew; its process ended, and the run lost a worker that nothing had hit.</summary>
    [Fact]
    public void Release_ThatLetsItReturn_LeavesTheProcessReadyForTheNextOffer()
    {
        var script = Training(endsWithRun: true);
        var effects = script.Hears(new CoordinatorMessage.Release("behind", MayReturn: true));
        Assert.DoesNotContain(effects, effect => effect is WorkerEffect.Exit);
        Assert.Contains(new WorkerEffect.DropRun("behind"), effects);
        Assert.Equal(WorkerPhase.Idle, script.State.Phase);
    }

    /// <summary>It ended at once, and its Activate was on the way: the others had a generation with a dead member.</summary>
    [Fact]
    public void LeaveRequested_WhileReady_WaitsForItsReleaseOrItsGeneration()
    {
        var script = Preparing();
        script.Sees(new WorkerEvent.PreparationSucceeded(Prepared));
        Assert.Equal(new WorkerEffect.Send(new WorkerMessage.Leaving("SIGTERM")), script.Sees(new WorkerEvent.LeaveRequested("SIGTERM"))[0]);
        Assert.Equal((WorkerPhase.Ready, true), (script.State.Phase, script.State.IsLeaving));
        Assert.Equal(new WorkerEffect.Exit(0, "bye"), script.Hears(new CoordinatorMessage.Release("bye"))[^1]);
    }

    [Fact]
    public void LeaveRequested_Twice_EndsAtOnce()
    {
        var script = Training();
        script.Sees(new WorkerEvent.LeaveRequested("SIGTERM"));
        Assert.Equal(["Send", "StopTraining", "DropRun", "Exit"], script.Sees(new WorkerEvent.LeaveRequested("SIGTERM")).Select(effect => effect.GetType().Name));
    }

    [Fact]
    public void Activate_OfAnotherGeneration_IsIgnored()
    {
        var script = Preparing();
        script.Sees(new WorkerEvent.PreparationSucceeded(Prepared));
        Assert.IsType<WorkerEffect.Note>(Assert.Single(script.Hears(Activate with { Generation = new Generation(9) })));
        Assert.Equal(WorkerPhase.Ready, script.State.Phase);
    }

    [Fact]
    public void CoordinatorLost_StandingWorkerThatPrepares_DropsTheRunAndAttachesAnew()
    {
        var script = new Script(endsWithRun: false);
        script.Hears(new CoordinatorMessage.Welcome(new WorkerId("w-1")));
        script.Hears(Prepare);
        var effects = script.Sees(new WorkerEvent.CoordinatorLost("connection reset"));
        Assert.Equal(["StopTraining", "DropRun", "Reattach"], effects.Select(effect => effect.GetType().Name));
        Assert.Null(script.State.Worker);
    }

    [Fact]
    public void CoordinatorLost_WorkerOfRunThatWasGivenUp_ComesBackAndEndsWhenNobodyAnswers()
    {
        var script = Training();
        Assert.Equal(["StopTraining", "DropRun", "Reattach"], script.Sees(new WorkerEvent.CoordinatorLost("closed")).Select(effect => effect.GetType().Name));
        Assert.Equal(new WorkerEffect.Exit(4, "connection refused"), script.Sees(new WorkerEvent.CoordinatorLost("connection refused"))[^1]);
    }

    [Fact]
    public void Terminated_SaysGoodbyeFirst()
    {
        var effects = Training().Sees(new WorkerEvent.Terminated("SIGTERM"));
        Assert.Equal(["Send", "StopTraining", "DropRun", "Exit"], effects.Select(effect => effect.GetType().Name));
    }

    private static Script Preparing(bool endsWithRun = true)
    {
        var script = new Script(endsWithRun);
        script.Hears(new CoordinatorMessage.Welcome(new WorkerId("w-1")));
        script.Hears(Prepare);
        return script;
    }

    private static Script Training(bool endsWithRun = true)
    {
        var script = Preparing(endsWithRun);
        script.Sees(new WorkerEvent.PreparationSucceeded(Prepared));
        script.Hears(Activate);
        return script;
    }

    private sealed class Script(bool endsWithRun)
    {
        public WorkerState State { get; private set; } = WorkerState.Start(endsWithRun);

        public ImmutableArray<WorkerEffect> Hears(CoordinatorMessage message) => Sees(new WorkerEvent.CoordinatorSaid(message));

        public ImmutableArray<WorkerEffect> Sees(WorkerEvent @event)
        {
            (State, var effects) = WorkerMachine.Step(State, @event);
            return effects;
        }
    }
}
