namespace Orchestrator.Worker.Core.Lifecycle;

/// <summary>Whether a worker leaves its coordinator because nothing is heard of it.</summary>
public readonly record struct SilenceDecision(bool IsGone, string Reason);

/// <summary>Leaves a coordinator that is silent for as long as its lease lasts: another may own the runs by then, while the connection to a frozen process stays open.</summary>
/// <remarks>
/// Silence is counted in the worker's own beats, not by a clock: a worker that was frozen or starved itself did not beat, so it does not blame
/// the coordinator. One that asks for no such watch is waited for as long as its stream lasts: it has no lease that could be another's.
/// </remarks>
public static class SilenceRule
{
    /// <summary>Between two beats of a worker, and between two of a coordinator: several are missed before anybody is given up.</summary>
    public static readonly TimeSpan BeatPeriod = TimeSpan.FromMilliseconds(250);

    /// <summary>A new owner awaits its members only. Whoever is none loses what it has prepared, so it leaves later: a machine that loads models on all cores is slow for seconds.</summary>
    public const int OthersWaitLonger = 3;

    /// <param name="silentBeats">The worker's own beats since it last heard anything.</param>
    /// <param name="asked">What the coordinator asked for; null: nothing.</param>
    /// <param name="isMember">Whether the worker trains.</param>
    public static SilenceDecision Decide(int silentBeats, TimeSpan? asked, bool isMember) => (isMember ? asked : asked * OthersWaitLonger) is { } limit && BeatPeriod * silentBeats >= limit
        ? new SilenceDecision(true, $"The coordinator was silent for {(BeatPeriod * silentBeats).TotalSeconds:0.0} s; its lease may be another's after {limit.TotalSeconds:0.0} s.")
        : new SilenceDecision(false, "It was heard, or silence means nothing.");
}
