// What one event makes of a run: the state that follows, and what is to be done, in that order.
global using RunTurn = (Orchestrator.Coordinator.Core.Runs.RunState State,
    System.Collections.Immutable.ImmutableArray<Orchestrator.Coordinator.Core.Runs.RunEffect> Effects);
