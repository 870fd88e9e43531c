using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>Runs that cannot have their least now, in the order of the queue, and who may start before them.</summary>
/// <remarks>
/// A run behind them takes what they cannot use, or what is too few for them: workers that would otherwise grow runs which have started, or be idle. What it takes is gone
/// until it ends, so a run that waits lets only so many pass that take workers from it. Then it waits for those and for nobody who comes later.
/// Used within one call; not for several threads.
/// </remarks>
internal sealed class SharePasses(ImmutableArray<ShareClaim> claims, ShareDeal deal)
{
    /// <summary>Behind so many that wait nobody is looked at: each costs a look at all of them.</summary>
    private const int MostWaiting = 16;

    private readonly List<int> _waiting = [];
    private readonly int[] _used = new int[claims.Length];

    /// <summary>Nobody waits so far.</summary>
    public bool IsEmpty => _waiting.Count == 0;

    public void Wait(int run) => _waiting.Add(run);

    /// <summary>Gives a run its least, though others wait in front of it.</summary>
    /// <returns>Whom it passes; null: it may not, and nothing is changed.</returns>
    public ImmutableArray<int>? TryPass(int run, int missing)
    {
        if (_waiting.Count > MostWaiting || deal.Left < missing)
        {
            return null;
        }

        var before = _waiting.Select(deal.CouldHave).ToArray();
        var kept = deal.Save();
        if (!deal.TryGive(run, missing))
        {
            return null;
        }

        ImmutableArray<int> passes = [.. _waiting.Where((waiting, i) => deal.CouldHave(waiting) < before[i])];
        if (passes.Any(passed => claims[passed].Priority != claims[run].Priority || _used[passed] >= claims[passed].PassesLeft))
        {
            deal.Restore(kept);
            return null;
        }

        foreach (var passed in passes)
        {
            _used[passed]++;
        }

        return passes;
    }
}
