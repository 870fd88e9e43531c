using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>How many workers of one pool each run shall have.</summary>
/// <remarks>
/// Claims stand in the order of the queue: by priority, then by submission. Workers are dealt out one by one, or as many at once as come to the same:
/// <list type="number">
/// <item>Whoever has started keeps what it has, up to its least. Nobody is brought below that.</item>
/// <item>Priority by priority, from the highest: each run in its turn gets its least, or nothing more than it has. The first that cannot get it is the next one. Runs behind it
/// start before it on workers that it cannot use, and a few of the same priority on workers that are too few for it (<see cref="SharePasses"/>): so many that a large run is not
/// starved by small ones. What is left grows those that have started, and can be had back.</item>
/// <item>Then the runs of this priority grow to what they desire, always the one with the fewest: equals differ by one at most, and the odd worker stays where it is.</item>
/// <item>What nobody desires goes, priority by priority and in the same way, to whoever may have more; and at last to runs that are below their least, which cannot use it yet.</item>
/// </list>
/// So a run of a lower priority only has what the higher ones do not desire, and its least once it has started. With more workers, and the same runs started,
/// nobody has fewer. Workers of several kinds are exchanged among the runs where that helps one of them (an augmenting path, as in a bipartite matching);
/// the feasible counts are a polymatroid, so that dealing out one by one is also the fairest way. Cost: workers x kinds x runs where runs of one priority share; kinds x runs for one run on one kind.
/// </remarks>
public static class ShareRule
{
    /// <param name="claims">In the order of the queue.</param>
    /// <param name="kinds">Together all workers of the pool.</param>
    /// <param name="isWhole">False: workers are still to come back to a new owner, so no run is too large for the pool yet.</param>
    /// <returns>One for each claim, in their order.</returns>
    public static ImmutableArray<Share> Decide(ImmutableArray<ShareClaim> claims, ImmutableArray<WorkerKind> kinds, bool isWhole = true)
    {
        var deal = new ShareDeal(claims, kinds);
        for (var run = 0; run < claims.Length; run++)
        {
            deal.Give(run, claims[run].IsStarted ? Math.Min(claims[run].Min, claims[run].HeldCount) : 0);
        }

        var outcomes = new ShareOutcome[claims.Length];
        var passes = new ImmutableArray<int>[claims.Length];
        var waiting = new SharePasses(claims, deal);
        foreach (var (first, end) in Levels(claims))
        {
            for (var run = first; run < end; run++)
            {
                (outcomes[run], passes[run]) = Admit(deal, run, claims[run], waiting, isWhole);
                if (outcomes[run] is ShareOutcome.Next or ShareOutcome.Behind)
                {
                    waiting.Wait(run);
                }
            }

            deal.Grow(first, end, run => outcomes[run] == ShareOutcome.Admitted ? claims[run].Desired : 0);
        }

        foreach (var (first, end) in Levels(claims))
        {
            deal.Grow(first, end, run => outcomes[run] == ShareOutcome.Admitted ? claims[run].Limit : 0);
        }

        // One that has started and lost members has its place all the same: what nobody else wants is half the way back to its least.
        deal.Grow(0, claims.Length, run => claims[run].IsStarted ? claims[run].Limit : 0);
        return [.. claims.Select((claim, run) => new Share(claim.IsStarted ? ShareOutcome.Admitted : outcomes[run], deal.Of(run), deal.FitFor(run)) { Passes = passes[run] })];
    }

    /// <summary>All that its least takes, or nothing more than it has.</summary>
    private static (ShareOutcome Outcome, ImmutableArray<int> Passes) Admit(ShareDeal deal, int run, ShareClaim claim, SharePasses waiting, bool isWhole)
    {
        var missing = claim.Min - deal.TotalOf(run);
        return missing <= 0 ? (ShareOutcome.Admitted, [])
            : isWhole && claim.Min > deal.FitFor(run) ? (ShareOutcome.TooLarge, [])
            : !waiting.IsEmpty && !claim.IsStarted ? waiting.TryPass(run, missing) is { } passes ? (ShareOutcome.Admitted, passes) : (ShareOutcome.Behind, [])
            : deal.TryGive(run, missing) ? (ShareOutcome.Admitted, [])
            : (ShareOutcome.Next, []);
    }

    /// <summary>Claims of one priority each, as [first, end).</summary>
    private static IEnumerable<(int First, int End)> Levels(ImmutableArray<ShareClaim> claims)
    {
        for (var first = 0; first < claims.Length;)
        {
            var end = first + 1;
            while (end < claims.Length && claims[end].Priority == claims[first].Priority)
            {
                end++;
            }

            yield return (first, end);
            first = end;
        }
    }
}
