using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>Workers that are given up though their streams live: the streams are closed, and they count as lost at once.</summary>
internal static class Eviction
{
    /// <param name="state">The run.</param>
    /// <param name="workers">Who is given up.</param>
    /// <param name="reason">In words that follow a colon.</param>
    /// <param name="waits">For what follows.</param>
    /// <param name="now">When.</param>
    /// <param name="isHung">Their training threads hang: they are to start afresh.</param>
    public static RunTurn Evict(RunState state, IEnumerable<WorkerId> workers, string reason, RunWaits waits, DateTimeOffset now, bool isHung = false)
    {
        RunTurn turn = (state, []);
        foreach (var worker in workers)
        {
            turn = turn.Then(next => next.Phase is RunPhase.Ended ? (next, []) : RunMachine.Step(next, new RunEvent.WorkerLost(worker, reason), waits, now)
                .Before(new RunEffect.Evict(worker, reason) { IsHung = isHung }));
        }

        return turn;
    }
}
