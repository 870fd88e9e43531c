using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Decides what a worker does with its coordinator's orders and with what its training loop reports.</summary>
public static class WorkerMachine
{
    // A worker that was told to end has done nothing wrong.
    private const int ExitDone = 0;
    private const int ExitNoCoordinator = 4;
    private const int ExitFailed = 1;

    public static (WorkerState Next, ImmutableArray<WorkerEffect> Effects) Step(WorkerState state, WorkerEvent @event)
    {
        if (@event is WorkerEvent.CoordinatorSaid late && state.HasHungUp)
        {
            return (state, LeaveRule.Answer(late.Message));
        }

        if (@event is WorkerEvent.CoordinatorSaid { Message: CoordinatorMessage.Welcome welcome } && state.Phase != WorkerPhase.Ended)
        {
            // What it sends now was kept before.
            return AloneMachine.Welcome(state, welcome);
        }

        if (@event is WorkerEvent.Beat)
        {
            return Beat(state);
        }

        if (@event.Run is { } run && run != state.Run)
        {
            return (state, [new WorkerEffect.Note($"{@event.GetType().Name} is of run {run}, which was released: ignored.")]);
        }

        var (next, effects) = Decide(@event is WorkerEvent.CoordinatorSaid ? state with { SilentBeats = 0 } : state, @event);
        return AloneMachine.Keep(next, effects);
    }

    /// <summary>Once it has hung up, the silence is that of nobody.</summary>
    private static (WorkerState Next, ImmutableArray<WorkerEffect> Effects) Beat(WorkerState state)
    {
        var beats = state.SilentBeats + 1;
        return SilenceRule.Decide(beats, state.Patience, state.Phase == WorkerPhase.Training) is { IsGone: true } gone
            ? LeaveRule.HangUp(state, gone.Reason, isRefusal: false)
            : (state with { SilentBeats = state.Patience is null ? 0 : beats }, []);
    }

    private static (WorkerState Next, ImmutableArray<WorkerEffect> Effects) Decide(WorkerState state, WorkerEvent @event) => @event switch
    {
        _ when state.Phase == WorkerPhase.Ended => (state, []),
        WorkerEvent.CoordinatorSaid said => Said(state, said.Message),
        WorkerEvent.CoordinatorLost lost => CoordinatorLost(state with { Patience = null, SilentBeats = 0, HasHungUp = false }, lost.Reason),
        WorkerEvent.PreparationSucceeded ready when state.Phase == WorkerPhase.Preparing && ready.Prepared.Generation == state.Generation =>
            (state with { Phase = WorkerPhase.Ready, AppliedSteps = ready.Prepared.AppliedSteps }, [new WorkerEffect.Send(ready.Prepared)]),
        WorkerEvent.FreshProcessNeeded needed when state.Phase == WorkerPhase.Preparing && needed.Generation == state.Generation => StartAfresh(state, needed.Reason),
        WorkerEvent.PreparationFailed failed when state.Phase == WorkerPhase.Preparing =>
            (Idle(state), [
                new WorkerEffect.Send(new WorkerMessage.Refused(state.Generation, failed.Reason, failed.Kind)), new WorkerEffect.DropRun(failed.Reason)]),
        WorkerEvent.StepApplied applied when state.Phase == WorkerPhase.Training =>
            (state with { AppliedSteps = applied.Progress.Step }, [new WorkerEffect.Send(applied.Progress)]),
        WorkerEvent.GenerationEntered entered when state.Run is not null && entered.Entered.Generation >= state.Generation =>
            (state with { Generation = entered.Entered.Generation, IsFenced = false }, [new WorkerEffect.Send(entered.Entered)]),
        WorkerEvent.Reported reported when state.Run is not null => (state, [new WorkerEffect.Send(reported.Message)]),
        WorkerEvent.TrainingFinished finished when state.Phase is WorkerPhase.Training or WorkerPhase.Aborting =>
            (state with { AppliedSteps = finished.Finished.Step }, [new WorkerEffect.Send(finished.Finished)]),
        WorkerEvent.TrainingStopped stopped => TrainingStopped(state, stopped.AppliedSteps),
        WorkerEvent.TrainingFailed failed => TrainingFailed(state, failed),
        // One that is ready may be a member already: Activate is on its way.
        WorkerEvent.LeaveRequested leave when state is { Phase: WorkerPhase.Ready or WorkerPhase.Training, IsLeaving: false } =>
            (state with { IsLeaving = true }, [new WorkerEffect.Send(new WorkerMessage.Leaving(leave.Reason)), new WorkerEffect.Note($"{leave.Reason} It leaves behind a step.")]),
        WorkerEvent.LeaveRequested leave => Terminated(state, leave.Reason),
        WorkerEvent.Terminated terminated => Terminated(state, terminated.Reason),
        _ => (state, [new WorkerEffect.Note($"{@event.GetType().Name} in phase {state.Phase} changes nothing.")]),
    };

    private static (WorkerState, ImmutableArray<WorkerEffect>) Said(WorkerState state, CoordinatorMessage message) => message switch
    {
        CoordinatorMessage.Recorded recorded => (state with { Kept = state.Kept.Behind(recorded.Step) }, [new WorkerEffect.ForgetLedger(recorded.Step)]),
        CoordinatorMessage.Heartbeat beat => TermRule.Decide(state.Term, beat.Term).Problem is { } problem ? LeaveRule.HangUp(state, problem, isRefusal: true) : (state, []),
        CoordinatorMessage.Prepare prepare when state.Phase == WorkerPhase.Idle && state.Worker is not null =>
            (state with
            {
                Phase = WorkerPhase.Preparing, Run = prepare.Run, Generation = prepare.Generation, AppliedSteps = 0,
            }, [new WorkerEffect.BeginPreparation(prepare)]),
        CoordinatorMessage.Activate activate when state.Phase == WorkerPhase.Ready && activate.Generation == state.Generation => Join(state, message),
        CoordinatorMessage.Follow when state.Phase == WorkerPhase.Ready => Join(state, message),
        CoordinatorMessage.Fence fence when state.Phase == WorkerPhase.Training =>
            (state with { Generation = Later(state.Generation, fence.Generation), IsFenced = state.IsFenced || fence.Generation > state.Generation }, [new WorkerEffect.Order(state.Worker!.Value, message)]),
        CoordinatorMessage.Activate activate when state.Phase == WorkerPhase.Training =>
            (state with { IsFenced = state.IsFenced && activate.Generation < state.Generation }, [new WorkerEffect.Order(state.Worker!.Value, message)]),
        CoordinatorMessage.Switch or CoordinatorMessage.PrepareEnd or CoordinatorMessage.Feed or CoordinatorMessage.Follow
            when state.Phase == WorkerPhase.Training => (state, [new WorkerEffect.Order(state.Worker!.Value, message)]),
        CoordinatorMessage.Abort abort when abort.Generation >= state.Generation => Aborted(state, abort.Reason),
        CoordinatorMessage.SaveCheckpoint save when state.Phase is WorkerPhase.Stopped or WorkerPhase.Training && save.Generation >= state.Generation =>
            (state, [new WorkerEffect.WriteCheckpoint(save.Generation, state.AppliedSteps)]),
        CoordinatorMessage.ReportLedger report when state.Phase == WorkerPhase.Training => (state, [new WorkerEffect.TellLedger(report.Generation, report.FromStep)]),
        CoordinatorMessage.Release release => Released(state, release),
        CoordinatorMessage.StartAfresh order => (Idle(state) with { Phase = WorkerPhase.Ended }, [AfterHang(state, order.Reason)]),
        _ => (state, [new WorkerEffect.Note($"{message.GetType().Name} is for another generation or phase than {state.Generation}, {state.Phase}: ignored.")]),
    };

    private static (WorkerState, ImmutableArray<WorkerEffect>) Join(WorkerState state, CoordinatorMessage order) =>
        (state with { Phase = WorkerPhase.Training }, [new WorkerEffect.Order(state.Worker!.Value, order)]);

    /// <summary>A worker of `run` has one run in its life, so it never comes to this.</summary>
    private static (WorkerState, ImmutableArray<WorkerEffect>) StartAfresh(WorkerState state, string reason) => (Idle(state) with { Phase = WorkerPhase.Ended },
        [new WorkerEffect.Send(new WorkerMessage.Leaving(reason, Returns: true)), new WorkerEffect.DropRun(reason), new WorkerEffect.Restart(reason)]);

    /// <summary>Whoever started it for a run starts another one, and counts how often. Nobody may do that for a standing worker, and one that is leaving is not wanted again.</summary>
    private static WorkerEffect AfterHang(WorkerState state, string reason) => state.EndsWithRun || state.IsLeaving
        ? new WorkerEffect.Exit(ExitFailed, reason) { IsHung = true } : new WorkerEffect.Restart(reason) { IsHung = true };

    private static (WorkerState, ImmutableArray<WorkerEffect>) Aborted(WorkerState state, string reason) => state.Phase switch
    {
        WorkerPhase.Training => (state with { Phase = WorkerPhase.Aborting }, [new WorkerEffect.StopTraining(reason)]),
        WorkerPhase.Aborting => (state, []),
        _ => (state with { Phase = state.Phase == WorkerPhase.Ready ? WorkerPhase.Stopped : state.Phase },
            [new WorkerEffect.Send(new WorkerMessage.Aborted(state.Generation, state.AppliedSteps))]),
    };

    private static (WorkerState, ImmutableArray<WorkerEffect>) Released(WorkerState state, CoordinatorMessage.Release release)
    {
        var drop = ImmutableArray.Create<WorkerEffect>(new WorkerEffect.StopTraining(release.Reason), new WorkerEffect.DropRun(release.Reason));
        return (state.EndsWithRun && !release.MayReturn) || state.IsLeaving
            ? (Idle(state) with { Phase = WorkerPhase.Ended }, drop.Add(new WorkerEffect.Exit(ExitDone, release.Reason)))
            : (Idle(state), drop);
    }

    private static (WorkerState, ImmutableArray<WorkerEffect>) TrainingStopped(WorkerState state, long appliedSteps)
    {
        var next = state with { AppliedSteps = appliedSteps };
        return state.Phase == WorkerPhase.Aborting
            ? (next with { Phase = WorkerPhase.Stopped }, [new WorkerEffect.Send(new WorkerMessage.Aborted(state.Generation, appliedSteps))])
            : (next, []);
    }

    /// <summary>A loop that fails after an order to stop has only noticed what the coordinator knew already: that counts as stopped.</summary>
    private static (WorkerState, ImmutableArray<WorkerEffect>) TrainingFailed(WorkerState state, WorkerEvent.TrainingFailed failed) => state.Phase switch
    {
        WorkerPhase.Aborting => TrainingStopped(state, failed.AppliedSteps),
        WorkerPhase.Training => (state with { Phase = WorkerPhase.Stopped, AppliedSteps = failed.AppliedSteps }, [
            new WorkerEffect.Send(new WorkerMessage.Failed(state.Generation, failed.AppliedSteps, failed.Reason, failed.Kind))]),
        _ => (state, []),
    };

    private static (WorkerState, ImmutableArray<WorkerEffect>) CoordinatorLost(WorkerState state, string reason)
    {
        if (AloneMachine.CanGoOn(state))
        {
            return AloneMachine.Begin(state, reason);
        }

        var effects = ImmutableArray.CreateBuilder<WorkerEffect>();
        if (state.Run is { } run)
        {
            effects.Add(new WorkerEffect.StopTraining(reason));
            effects.Add(new WorkerEffect.DropRun($"Run {run} has no coordinator: {reason}"));
        }

        // A worker that was frozen and given up finds its stream closed, and comes back as another one.
        if ((state.EndsWithRun && state.Run is null) || state.IsLeaving)
        {
            effects.Add(new WorkerEffect.Exit(state.IsLeaving ? ExitDone : ExitNoCoordinator, reason));
            return (Idle(state) with { Phase = WorkerPhase.Ended }, effects.ToImmutable());
        }

        effects.Add(new WorkerEffect.Reattach(reason));
        return (Idle(state) with { Worker = null }, effects.ToImmutable());
    }

    private static (WorkerState, ImmutableArray<WorkerEffect>) Terminated(WorkerState state, string reason) =>
        (Idle(state) with { Phase = WorkerPhase.Ended }, [
            new WorkerEffect.Send(new WorkerMessage.Leaving(reason)), new WorkerEffect.StopTraining(reason), new WorkerEffect.DropRun(reason),
            new WorkerEffect.Exit(ExitDone, reason)]);

    private static Generation Later(Generation one, Generation other) => one > other ? one : other;

    internal static WorkerState Idle(WorkerState state) => state with
    {
        Phase = WorkerPhase.Idle, Run = null, Generation = Generation.None, AppliedSteps = 0, IsAlone = false, IsFenced = false, Kept = KeptReports.None,
    };
}
