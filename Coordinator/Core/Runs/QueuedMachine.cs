using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Scheduling;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A run that waits for workers.</summary>
internal static class QueuedMachine
{
    public static RunTurn Step(RunState state, RunPhase.Queued phase, RunEvent @event, RunWaits waits, DateTimeOffset now) =>
        @event switch
        {
            RunEvent.FormationDecided decided => Form(state, phase, decided.Decision, waits),
            RunEvent.MemberBack back when state.LastCrew is { } last => RevivingMachine.Return(state, last, back, waits, now),
            RunEvent.Passed passed => Pass(state with { Passed = state.Passed + 1 }, passed.By),
            RunEvent.TimerFired fired when fired.Timer != RunTimer.Grace || fired.Generation != state.Generation => RunMachine.Ignore(state, @event),
            RunEvent.TimerFired => (state with { Phase = phase with { IsGraceOver = true }, Reason = "The wait for more workers is over." }, []),
            RunEvent.StopRequested stop => state.FormedGenerations == 0
                ? RunEnding.StopEarly(state, $"{stop.Reason} It had not started.", [])
                : RunEnding.End(state, StoppedWhileWaiting(state, stop.Reason), []),
            RunEvent.LaunchFailed failed => RunEnding.Fail(
                state, state.FormedGenerations == 0 ? failed.Reason : $"{failed.Reason} {RunEnding.HowToGoOn(state)}", FailureKind.Environment, []),
            _ => RunMachine.Ignore(state, @event),
        };

    /// <summary>What it had trained is on disk: its members wrote a checkpoint, or were lost and with them the steps behind the last one.</summary>
    private static RunOutcome StoppedWhileWaiting(RunState state, string reason) => new(
        RunResult.Stopped, $"{reason} It was waiting for workers. {RunEnding.HowToGoOn(state)}", RunEnding.ExitDone, state.Progress.Checkpoint?.WeightsSha256);

    /// <summary>Recorded, so that the next owner knows it too.</summary>
    private static RunTurn Pass(RunState state, RunId by) =>
        (state, [new RunEffect.Record(new RunRecord.RunPassed(state.Generation, state.Progress.Step, by, state.Passed, PassRule.Most))]);

    private static RunTurn Form(RunState state, RunPhase.Queued phase, FormationDecision decision, RunWaits waits)
    {
        var effects = ImmutableArray.CreateBuilder<RunEffect>();
        foreach (var refusal in decision.Refusals)
        {
            state = state with { Refused = state.Refused.SetItem(refusal.Worker, refusal.Reason) };
            effects.Add(new RunEffect.Record(
                new RunRecord.WorkerRefused(state.Generation, state.Progress.Step, refusal.Worker, refusal.Reason)));
        }

        if (decision.Refusals.Length > 0 && state.Order.IsEmbedded)
        {
            return RunEnding.Fail(state, decision.Refusals[0].Reason, FailureKind.Environment, [], [.. effects]);
        }

        if (!decision.HasEnough && phase.IsGraceOver && state.Order.IsEmbedded && state.FormedGenerations == 0)
        {
            return RunEnding.Fail(
                state, $"{decision.Reason} After {waits.Launch.TotalSeconds:0} s the wait ends; look into {state.Order.RunDir}/logs.", FailureKind.Environment, [], [.. effects]);
        }

        state = state with { Reason = decision.Reason };
        if (decision.IsFormed)
        {
            var (prepared, asked) = Prepare(state, decision, waits);
            return (prepared, [.. effects, .. asked]);
        }

        if (decision.HasEnough && !phase.IsGraceRunning)
        {
            state = state with { Phase = phase with { IsGraceRunning = true } };
            effects.Add(new RunEffect.StartTimer(RunTimer.Grace, state.Generation, waits.Grace));
        }

        return (state, effects.ToImmutable());
    }

    private static RunTurn Prepare(RunState state, FormationDecision decision, RunWaits waits)
    {
        var generation = state.LastGeneration.Next;
        var order = state.Order;
        var prepare = new CoordinatorMessage.Prepare(
            order.Id, generation, JobSpecJson.Write(order.Job), decision.Isa, order.RunDir, state.ResumeFrom);
        var members = decision.Members.ToImmutableSortedDictionary(member => member.Worker, member => member);
        var next = state with
        {
            Generation = generation,
            LastGeneration = generation,
            LastCrew = null,
            Phase = new RunPhase.Preparing(decision.Isa, members, ImmutableSortedDictionary<WorkerId, WorkerMessage.Prepared>.Empty),
        };
        return (next,
        [
            new RunEffect.Record(new RunRecord.GenerationPreparing(
                generation, state.Progress.Step, [.. members.Keys], decision.Isa, decision.Reason)),
            .. members.Keys.Select(worker => new RunEffect.Tell(worker, prepare)),
            new RunEffect.StartTimer(RunTimer.Prepare, generation, waits.Prepare),
        ]);
    }
}
