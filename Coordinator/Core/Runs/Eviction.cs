using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Workers that are given up though their streams live: the streams are closed, and they count as lost at once.</summary>
internal static class Eviction
{
    public static RunTurn Evict(RunState state, IEnumerable<WorkerId> workers, string reason, RunWaits waits, DateTimeOffset now)
    {
        RunTurn turn = (state, []);
        foreach (var worker in workers)
        {
            turn = turn.Then(next => next.Phase is RunPhase.Ended ? (next, []) : RunMachine.Step(next, new RunEvent.WorkerLost(worker, reason), waits, now)
                .Before(new RunEffect.Evict(worker, reason)));
        }

        return turn;
    }
}
