using Orchestrator.Coordinator.Core.Formation;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>The first cause of a failure.</summary>
/// <param name="Sentence">Names the worker, the step and the values.</param>
/// <param name="Kind">Whose mistake it is.</param>
/// <param name="IsStateGood">The members' state may be saved: false when they disagree about it.</param>
public sealed record FailureCause(string Sentence, FailureKind Kind, bool IsStateGood = true)
{
    /// <param name="member">Who is gone.</param>
    /// <param name="step">The highest that anybody reported.</param>
    /// <param name="how">In words that follow a colon.</param>
    public static FailureCause Loss(Candidate member, long step, string how) =>
        new($"{Capital(member.Describe())} was lost at step {step}: {how.TrimEnd('.')}.", FailureKind.Environment);

    /// <summary>A member says that it cannot go on.</summary>
    public static FailureCause Of(Candidate member, WorkerMessage.Failed failed) => new(
        $"{Capital(member.Describe())} failed at step {failed.Step + 1}: {failed.Reason.TrimEnd('.')}.", failed.Kind);

    private static string Capital(string sentence) => char.ToUpperInvariant(sentence[0]) + sentence[1..];
}
