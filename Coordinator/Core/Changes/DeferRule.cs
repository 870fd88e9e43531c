using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Changes;

/// <summary>A worker that could not join because of the way to it, and not because of what it is.</summary>
/// <param name="Times">How often.</param>
/// <param name="Until">When it may try again; null: the next tick says so.</param>
/// <param name="IsOver">It may try.</param>
public readonly record struct Deferral(int Times, DateTimeOffset? Until, bool IsOver);

/// <summary>Lets workers that did not reach a member, or whose feeds broke, try to join again: a way that is cut is mended some day. Less and less often, for each try costs the members a fence or three feeds.</summary>
internal static class DeferRule
{
    /// <summary>Between two tries at most.</summary>
    private static readonly TimeSpan MostWait = TimeSpan.FromHours(1);

    /// <summary>Workers that are remembered; the oldest are forgotten, and begin anew.</summary>
    private const int MostKept = 256;

    /// <summary>It is refused, but not for good.</summary>
    public static RunState Defer(RunState state, WorkerId worker)
    {
        var kept = state.Deferrals.Count < MostKept ? state.Deferrals : state.Deferrals.Remove(state.Deferrals.Keys.First());
        return state with { Deferrals = kept.SetItem(worker, new Deferral(kept.GetValueOrDefault(worker).Times + 1, null, IsOver: false)) };
    }

    /// <summary>At each tick.</summary>
    public static RunState Forgive(RunState state, RunWaits waits, DateTimeOffset now)
    {
        foreach (var (worker, deferral) in state.Deferrals.Where(entry => !entry.Value.IsOver))
        {
            if (deferral.Until is not { } until)
            {
                state = state with { Deferrals = state.Deferrals.SetItem(worker, deferral with { Until = now + Wait(waits, deferral.Times) }) };
            }
            else if (until <= now)
            {
                state = state with { Deferrals = state.Deferrals.SetItem(worker, deferral with { IsOver = true }), Refused = state.Refused.Remove(worker) };
            }
        }

        return state;
    }

    private static TimeSpan Wait(RunWaits waits, int times)
    {
        var wait = waits.Deferral * Math.Pow(2, Math.Min(times - 1, 30));
        return wait < MostWait ? wait : MostWait;
    }
}
