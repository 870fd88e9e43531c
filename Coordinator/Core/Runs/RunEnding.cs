using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>How a run ends: the record first, then the members' release, then the end.</summary>
internal static class RunEnding
{
    public const int ExitDone = 0;
    public const int ExitFailed = 1;
    public const int ExitJobIsWrong = 3;

    public static RunTurn End(
        RunState state, RunOutcome outcome, IEnumerable<WorkerId> members, params ReadOnlySpan<RunEffect> before)
    {
        var effects = ImmutableArray.CreateBuilder<RunEffect>();
        effects.AddRange(before);
        effects.AddRange(LedgerWriting.Warn(state));
        effects.Add(new RunEffect.Record(new RunRecord.RunEnded(
            state.Generation, state.Progress.Step, outcome, state.Progress.Loss, state.Progress.Rate.Overall)));
        var release = new CoordinatorMessage.Release($"Run {state.Id} has ended: {outcome.Reason}");
        effects.AddRange(members.Union(state.Joiners.Keys).Select(worker => new RunEffect.Tell(worker, release)));
        effects.Add(new RunEffect.End(outcome));
        return (LetGo(state) with { Phase = new RunPhase.Ended(outcome), Reason = outcome.Reason }, effects.ToImmutable());
    }

    /// <summary>What nobody asks of a run that has ended: what is left of it does not grow with its ranks or members, and hundreds are shown for as long as they are among the last.</summary>
    internal static RunState LetGo(RunState state) => state with
    {
        Ledger = LedgerBook.Empty with { FirstGeneration = state.Ledger.FirstGeneration }, Backlog = LedgerBacklog.Empty, Agreement = null, Progress = state.Progress.LetGo(), Paces = state.Paces.Clear(),
        Refused = state.Refused.Clear(), Joiners = state.Joiners.Clear(), Leavers = state.Leavers.Clear(), Shed = state.Shed.Clear(), LinkMarks = state.LinkMarks.Clear(),
    };

    /// <summary>A person ended it before its first step.</summary>
    public static RunTurn StopEarly(RunState state, string reason, IEnumerable<WorkerId> members) =>
        End(state, new RunOutcome(RunResult.Stopped, reason, ExitDone, null), members);

    public static RunTurn Fail(
        RunState state, string reason, FailureKind kind, IEnumerable<WorkerId> members, params ReadOnlySpan<RunEffect> before) =>
        End(state, new RunOutcome(RunResult.Failed, reason, ExitCodeOf(kind, state), state.Progress.Checkpoint?.WeightsSha256), members, before);

    /// <summary>A wrong job that was found out before the first step is the job file's fault; later it is the run that failed.</summary>
    private static int ExitCodeOf(FailureKind kind, RunState state) =>
        kind == FailureKind.Job && state.Crew is null && state.FormedGenerations == 0 ? ExitJobIsWrong : ExitFailed;

    /// <summary>Where the newest state is and what to type to go on with it.</summary>
    public static string HowToGoOn(RunState state)
    {
        if (state.Progress.Checkpoint is { } checkpoint)
        {
            return $"Checkpoint step-{checkpoint.Step:D8} has the state of step {checkpoint.Step}. "
                + $"To go on, type: ./orchestrator run {state.Order.JobFile} --resume {checkpoint.Path}";
        }

        return state.ResumeFrom is { } origin
            ? $"No checkpoint was written since it was resumed; type again: ./orchestrator run {state.Order.JobFile} --resume {origin}"
            : "There is no checkpoint yet; type the command again to start anew.";
    }
}
