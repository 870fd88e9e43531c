using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>The members are asked to end after a step that they agree on: a person stops the run, or it has to wait for other workers.</summary>
internal static class Ending
{
    /// <summary>The members are only kept to write a checkpoint.</summary>
    public static bool IsWanted(RunState state) => (state.StopReason ?? state.SuspendReason) is not null;

    /// <summary>Remembers the wish; the members are asked as soon as no change is under way.</summary>
    public static RunTurn Stop(RunState state, string reason) => state.StopReason is { } known
        ? (state, [RunMachine.Note($"Run {state.Id} is ending already: {known}")])
        : (state with { StopReason = reason, Reason = reason }, [new RunEffect.Record(new RunRecord.RunStopping(state.Generation, state.Progress.Step, reason))]);

    /// <summary>Asks the members of the generation in force, once.</summary>
    public static RunTurn Ask(RunState state, RunPhase.Running phase)
    {
        var end = new CoordinatorMessage.PrepareEnd(phase.Crew.Generation, state.StopReason ?? state.SuspendReason!);
        return (state with { Phase = phase with { IsEnding = true } }, [.. phase.Crew.Members.Keys.Select(worker => new RunEffect.Tell(worker, end))]);
    }
}
