using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A member says that it cannot go on: a wrong job fails the run, anything else concerns this worker only and counts as its loss.</summary>
internal static class MemberFailure
{
    /// <summary>Loses the member in the phase that the run is in.</summary>
    public delegate RunTurn Lose(RunState state, string sentence, RunEffect[] before);

    public static RunTurn Take(
        RunState state, Candidate member, WorkerMessage.Failed failed, ImmutableSortedDictionary<WorkerId, WorkerMessage.Finished> finished, RunWaits waits, Lose lose)
    {
        var cause = FailureCause.Of(member, failed);
        var told = MemberNews.Failed(state, member, failed);
        if (failed.Kind == FailureKind.Job)
        {
            return AbortingMachine.Begin(state, state.Crew!, finished, cause, state.Crew!.Members.Keys.Where(other => other != member.Worker), waits, told);
        }

        // It is not asked again in this run: what broke it would break it again.
        var next = state with { FirstFailure = state.FirstFailure ?? cause, Refused = state.Refused.SetItem(member.Worker, failed.Reason) };
        var release = new RunEffect.Tell(member.Worker, new CoordinatorMessage.Release($"It cannot go on: {failed.Reason}"));
        return lose(next, cause.Sentence, [told, MemberNews.Lost(state, member, $"it failed ({failed.Reason.TrimEnd('.')})"), release]);
    }
}
