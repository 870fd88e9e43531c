using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>A run gives workers to the other runs of its pool: behind a step, as when a person scales it down. What it desires stays as it is.</summary>
internal static class Sharing
{
    public static RunTurn Lower(RunState state, ImmutableArray<WorkerId> workers, string reason)
    {
        if (state.Crew is not { } crew)
        {
            return (state, [RunMachine.Note($"Run {state.Id} has no members that could leave: {reason}")]);
        }

        // Who is not in yet has nothing to hand over.
        var joiners = workers.Where(worker => !crew.Members.ContainsKey(worker) && state.Joiners.GetValueOrDefault(worker) is { Stage: not JoinStage.Entering }).ToImmutableArray();
        var leavers = workers.RemoveRange(joiners).Where(worker => crew.Members.ContainsKey(worker) || state.Joiners.ContainsKey(worker)).ToImmutableArray();
        var next = state with
        {
            Joiners = state.Joiners.RemoveRange(joiners), Leavers = state.Leavers.Union(leavers), Shed = state.Shed.Where(state.Leavers.Contains).ToImmutableSortedSet().Union(leavers),
        };
        var release = new CoordinatorMessage.Release(reason, MayReturn: true);
        return (next,
        [
            new RunEffect.Record(new RunRecord.ShareLowered(state.Generation, state.Progress.HighestStep, next.Staying.Count(), workers, reason)),
            .. joiners.Select(worker => MemberNews.Left(state, state.Joiners[worker].Candidate, reason)),
            .. joiners.Select(worker => new RunEffect.Tell(worker, release)),
        ]);
    }

    /// <summary>Who may be kept: no change that leaves them out is under way.</summary>
    public static ImmutableArray<WorkerId> MayKeep(RunState state) => state.Shed.IsEmpty || state.Phase is RunPhase.Running { Change: not null } or RunPhase.Running { IsEnding: true } || state.Crew is not { } crew
        ? [] : [.. state.Shed.Where(worker => state.Leavers.Contains(worker) && crew.Members.ContainsKey(worker))];

    /// <summary>The same of one worker that was to leave for any reason. A run that takes no step would keep it anyway, and others would wait for it.</summary>
    public static bool MayKeep(RunState state, WorkerId worker) => state.Crew?.Members.ContainsKey(worker) == true
        && state.Phase is RunPhase.Running { Change: null, IsEnding: false } or RunPhase.Regrouping or RunPhase.Paused or RunPhase.Reviving;

    public static RunTurn Keep(RunState state, ImmutableArray<WorkerId> workers) => (
        state with { Leavers = state.Leavers.Except(workers), Shed = state.Shed.Except(workers), Phase = state.Phase is RunPhase.Reviving reviving ? Forget(reviving, workers) : state.Phase },
        [RunMachine.Note($"{string.Join(", ", workers)} {(workers.Length == 1 ? "stays" : "stay")} in run {state.Id} after all.")]);

    /// <summary>What they said is heard when all members are back.</summary>
    private static RunPhase.Reviving Forget(RunPhase.Reviving phase, ImmutableArray<WorkerId> workers) => phase with
    {
        Heard = ImmutableQueue.CreateRange(phase.Heard.Where(said => said.Message is not WorkerMessage.Leaving || !workers.Contains(said.Worker))),
    };
}
