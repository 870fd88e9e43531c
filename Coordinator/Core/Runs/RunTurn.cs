// What one event makes of a run: the state that follows, and what is to be done, in that order.
global using RunTurn = (Orchestrator.Coordinator.Core.Runs.RunState State,
    System.Collections.Immutable.ImmutableArray<Orchestrator.Coordinator.Core.Runs.RunEffect> Effects);

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Turns one after the other.</summary>
internal static class RunTurns
{
    /// <summary>What follows from the state that a turn left, behind that turn's effects.</summary>
    public static RunTurn Then(this RunTurn turn, Func<RunState, RunTurn> next)
    {
        var (state, effects) = next(turn.State);
        return (state, turn.Effects.AddRange(effects));
    }

    /// <summary>What happened before stands before the turn's effects.</summary>
    public static RunTurn Before(this RunTurn turn, params ReadOnlySpan<RunEffect> effects) => (turn.State, [.. effects, .. turn.Effects]);
}
