using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Cluster;

/// <summary>Tokens with which workers may join one run only: made with the run, known by their hash, good until the run ends.</summary>
public static class JoinGrantRule
{
    /// <summary>Whether a worker may serve a run.</summary>
    public static bool MayServe(Candidate candidate, RunId run) => candidate.OnlyRun is null || candidate.OnlyRun == run;

    /// <returns>Null when the worker may attach, else why not.</returns>
    /// <param name="state">The cluster.</param>
    /// <param name="attached">The worker, and the run that its token is good for.</param>
    public static string? WhyNot(ClusterState state, ClusterEvent.WorkerAttached attached)
    {
        var hello = attached.Hello;
        return attached.OnlyRun is not { } only ? null
            : state.Find(only) is null or { Phase: RunPhase.Ended } ? $"The worker (pid {hello.Pid} on {hello.Host}) shows a token that was good for run {only} only, and that run has ended."
            : hello.Member is { } member && member.Run != only
                ? $"The worker (pid {hello.Pid} on {hello.Host}) comes back as a member of run {member.Run} and shows a token that is good for run {only} only."
            : null;
    }

    /// <summary>Workers whose tokens were good for this run, which has ended.</summary>
    public static IEnumerable<WorkerId> BoundTo(ClusterState state, RunId run) => state.Workers.Values.Where(candidate => candidate.OnlyRun == run).Select(candidate => candidate.Worker);
}
