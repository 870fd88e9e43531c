using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;

namespace Orchestrator.Coordinator.Core.Liveness;

/// <summary>Whether members that say nothing are all that is left of a run's state. Then they are waited for longer than others.</summary>
/// <remarks>
/// As long as somebody else holds the state, a silent member costs its ranks of one step, so it is given up within three seconds. With the last of them go all steps since the last checkpoint,
/// and nobody is there who could go on meanwhile. That all are silent at once is also seldom their death: their machine stands still, the network is away, or one is frozen while the others died.
/// </remarks>
internal static class LastCopyRule
{
    /// <summary>Workers that a sentence names.</summary>
    private const int MaxNamed = 8;

    /// <param name="state">The run.</param>
    /// <param name="quiet">Members that would be given up if others held the state.</param>
    public static bool IsAllThereIs(RunState state, IReadOnlySet<WorkerId> quiet)
    {
        var holders = Holders(state);
        return holders.Count > 0 && holders.TrueForAll(quiet.Contains);
    }

    /// <summary>Says so, once.</summary>
    public static RunTurn Note(RunState state, IReadOnlySet<WorkerId> quiet, RunWaits waits)
    {
        if (state.Silence is not null)
        {
            return (state, []);
        }

        var reason = string.Create(
            CultureInfo.InvariantCulture,
            $"Nothing is heard of {Name(quiet)}, and nobody else holds the run's state: it waits up to {waits.LastCopy.TotalSeconds:0} s for them, and then begins again {Requeue.FromWhere(state)}.");
        return (state with { Silence = new Silence(reason, state.Reason), Reason = reason },
            [new RunEffect.Record(new RunRecord.MembersSilent(state.Generation, state.Progress.HighestStep, reason))]);
    }

    /// <summary>Somebody is heard again, or others hold the state.</summary>
    public static RunState Clear(RunState state) => state.Silence is not { } silence ? state
        : state with { Silence = null, Reason = state.Reason == silence.Reason ? silence.Former : state.Reason };

    /// <summary>Members that have come in; whoever is only about to may be some steps behind them.</summary>
    private static List<WorkerId> Holders(RunState state)
    {
        var members = state.Crew?.Members ?? ImmutableSortedDictionary<WorkerId, Formation.Candidate>.Empty;
        var holders = members.Keys.Where(worker => !state.Joiners.ContainsKey(worker));
        if (state.Phase is RunPhase.Running { Change: { } change })
        {
            holders = holders.Union(change.Entered.Keys);
        }

        var found = holders.ToList();
        return found.Count > 0 ? found : [.. members.Keys];
    }

    private static string Name(IReadOnlySet<WorkerId> quiet)
    {
        var some = string.Join(", ", quiet.Order().Take(MaxNamed));
        return quiet.Count > MaxNamed ? $"{some} and {quiet.Count - MaxNamed} more" : some;
    }
}
