using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Runs;

/// <summary>A last checkpoint that could not be written: the members keep the state in memory, and one after the other tries to write it.</summary>
/// <param name="Tries">So far, without the first.</param>
/// <param name="Last">Who tried last; null: nobody was asked yet.</param>
/// <param name="IsPausing">Whether it waits before the next try.</param>
public sealed record SaveRetry(int Tries, WorkerId? Last, bool IsPausing)
{
    /// <summary>It is not tried again.</summary>
    public static readonly SaveRetry None = new(int.MaxValue, null, IsPausing: false);
}
