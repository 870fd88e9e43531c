using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A worker that dies behind the last step takes its reports along, and no generation follows in which the others tell what they heard of its ranks: they are asked.</summary>
/// <param name="Asked">Everyone who was asked.</param>
/// <param name="Awaited">Who has not answered yet; null: all have, or were too late.</param>
public sealed record LedgerQuestion(ImmutableSortedSet<WorkerId> Asked, WorkerId? Awaited)
{
    /// <summary>Whoever reduced a slice heard of all ranks, so the first answer has everything but for members without a slice.</summary>
    private const int MaxAsked = 16;

    /// <returns>Null when there is nothing to ask, or nobody.</returns>
    internal static RunTurn? Ask(RunState state, RunPhase.Running phase, long step, RunWaits waits)
    {
        if (LedgerRule.FirstGap(state.Ledger, step) is not { } gap)
        {
            return null;
        }

        var members = RunningMachine.Everyone(phase).Members;
        var question = phase.Question ?? new LedgerQuestion([], null);
        if (question.Awaited is { } awaited && members.ContainsKey(awaited))
        {
            return (state with { Phase = phase }, []);
        }

        if (question.Asked.Count >= MaxAsked || members.Keys.FirstOrDefault(worker => !question.Asked.Contains(worker)) is not { Value: not null } next)
        {
            return null;
        }

        return (state with { Phase = phase with { Question = new LedgerQuestion(question.Asked.Add(next), next) } },
        [
            RunMachine.Note($"The ledger has not all ranks of step {gap}, and who fed them is gone: {next} is asked."),
            new RunEffect.Tell(next, new CoordinatorMessage.ReportLedger(state.LastGeneration, gap)),
            new RunEffect.StartTimer(RunTimer.Ledger, phase.Crew.Generation, waits.Ledger),
        ]);
    }

    /// <summary>An answer, or the end of the wait for it.</summary>
    internal static RunPhase.Running Close(RunPhase.Running phase) => phase with { Question = phase.Question! with { Awaited = null } };

    /// <returns>What a person should know when the run ends with a ledger that is not whole.</returns>
    internal static RunEffect[] Warn(RunState state, long step) => LedgerRule.FirstGap(state.Ledger, step) is { } gap
        ? [new RunEffect.Record(new RunRecord.RunWarned(state.Generation, step, LedgerNews.Lack(1, gap, gap)))] : [];
}
