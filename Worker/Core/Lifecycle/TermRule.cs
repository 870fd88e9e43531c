namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Whether a worker takes orders of a coordinator: never of an older term than the newest that it saw.</summary>
/// <param name="Newest">The newest term that was seen, this one included.</param>
/// <param name="Problem">Why its orders are refused, in a sentence; null: they are taken.</param>
public readonly record struct TermDecision(long Newest, string? Problem);

/// <inheritdoc cref="TermDecision"/>
public static class TermRule
{
    /// <param name="newest">The newest term that this worker saw; 0: none.</param>
    /// <param name="term">The coordinator's; 0: it has no store, and is the only one.</param>
    public static TermDecision Decide(long newest, long term) => term < newest
        ? new TermDecision(newest, $"The coordinator has term {term} and a newer one has term {newest}.")
        : new TermDecision(term, null);
}
