using System.Collections.Immutable;
using Orchestrator.Core.Messages;

namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>A member that has lost its coordinator: it trains on, keeps its reports, and comes back to whoever owns the run now.</summary>
/// <remarks>Only standing workers: one that `run` started ends with its launcher, which is its coordinator too.</remarks>
internal static class AloneMachine
{
    public static bool CanGoOn(WorkerState state) => state is { EndsWithRun: false, IsLeaving: false, Phase: WorkerPhase.Training, Worker: not null, Run: not null };

    public static (WorkerState, ImmutableArray<WorkerEffect>) Begin(WorkerState state, string reason) =>
        (state with { IsAlone = true }, [new WorkerEffect.Reattach(reason, new MemberIdentity(state.Worker!.Value, state.Run!.Value, state.Generation, state.IsFenced))]);

    /// <summary>What is to be told later is kept; nobody hears it now.</summary>
    public static (WorkerState, ImmutableArray<WorkerEffect>) Keep(WorkerState state, ImmutableArray<WorkerEffect> effects)
    {
        if (state.EndsWithRun || state.Run is null)
        {
            return (state, effects);
        }

        var kept = effects.OfType<WorkerEffect.Send>().Aggregate(state.Kept, (soFar, send) => soFar.With(send.Message));
        return (state with { Kept = kept }, state.IsAlone ? effects.RemoveAll(effect => effect is WorkerEffect.Send) : effects);
    }

    /// <summary>A coordinator lets the worker in.</summary>
    public static (WorkerState, ImmutableArray<WorkerEffect>) Welcome(WorkerState state, CoordinatorMessage.Welcome welcome)
    {
        var term = TermRule.Decide(state.Term, welcome.Term);
        if (term.Problem is { } problem)
        {
            return LeaveRule.HangUp(state, problem, isRefusal: true);
        }

        state = state with { Worker = welcome.Worker, Term = term.Newest, Patience = welcome.Patience, SilentBeats = 0 };
        var known = new WorkerEffect.Note($"The coordinator knows this worker as {welcome.Worker}{(welcome.Term == 0 ? "" : $" under term {welcome.Term}")}.");
        if (!state.IsAlone)
        {
            return (state, [known]);
        }

        if (welcome.RecordedStep is { } step)
        {
            var kept = state.Kept.Behind(step);
            var leaving = state.IsLeaving ? [new WorkerEffect.Send(new WorkerMessage.Leaving("It was told to end while it had no coordinator."))] : Array.Empty<WorkerEffect>();
            return (state with { IsAlone = false, Kept = kept },
                [known, new WorkerEffect.Note($"It goes on in run {state.Run} as before; it tells {kept.Count} reports again, from step {step + 1} on."), .. kept.All().Append(new WorkerMessage.CaughtUp()).Select(message => new WorkerEffect.Send(message)), .. leaving]);
        }

        var reason = $"Run {state.Run} went on without this worker while it had no coordinator.";
        return (WorkerMachine.Idle(state), [known, new WorkerEffect.StopTraining(reason), new WorkerEffect.DropRun(reason)]);
    }
}
