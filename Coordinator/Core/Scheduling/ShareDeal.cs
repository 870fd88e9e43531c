using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Core.Scheduling;

/// <summary>Workers of several kinds while they are dealt out: one more for a run, by an exchange with others when its own kinds are used up.</summary>
/// <remarks>Used within one call; not for several threads.</remarks>
internal sealed class ShareDeal
{
    private readonly ImmutableArray<ShareClaim> _claims;
    private readonly ImmutableArray<WorkerKind> _kinds;
    private readonly int[] _totals;
    private readonly int[] _used;
    private int[,] _dealt;

    public ShareDeal(ImmutableArray<ShareClaim> claims, ImmutableArray<WorkerKind> kinds)
    {
        (_claims, _kinds) = (claims, kinds);
        (_totals, _used, _dealt) = (new int[claims.Length], new int[kinds.Length], new int[claims.Length, kinds.Length]);
    }

    public int TotalOf(int run) => _totals[run];

    public ImmutableArray<int> Of(int run) => [.. Enumerable.Range(0, _kinds.Length).Select(kind => _dealt[run, kind])];

    /// <summary>Workers of the whole pool that a run could use.</summary>
    public int FitFor(int run)
    {
        var fit = 0;
        foreach (var kind in _kinds)
        {
            fit += kind.IsFit[run] ? kind.Count : 0;
        }

        return fit;
    }

    /// <summary>Workers that nobody was given.</summary>
    public int Left
    {
        get
        {
            var left = 0;
            for (var kind = 0; kind < _kinds.Length; kind++)
            {
                left += _kinds[kind].Count - _used[kind];
            }

            return left;
        }
    }

    /// <summary>Workers up to its least that a run could be given now.</summary>
    public int CouldHave(int run)
    {
        var kept = Save();
        Give(run, Math.Max(0, _claims[run].Min - _totals[run]));
        var could = _totals[run];
        Restore(kept);
        return could;
    }

    /// <summary>All that was dealt out so far.</summary>
    public (int[,] Dealt, int[] Totals, int[] Used) Save() => ((int[,])_dealt.Clone(), (int[])_totals.Clone(), (int[])_used.Clone());

    public void Restore((int[,] Dealt, int[] Totals, int[] Used) kept)
    {
        _dealt = kept.Dealt;
        kept.Totals.CopyTo(_totals, 0);
        kept.Used.CopyTo(_used, 0);
    }

    /// <summary>As many of them as can be had; returns how many these are.</summary>
    public int Give(int run, int count)
    {
        var left = count;
        if (left > 0 && OnlyRoomFor(run) is { } room)
        {
            // The run has no choice while any of these are left: all at once is what one by one would be.
            var some = Math.Min(left, _kinds[room].Count - _used[room]);
            Add(run, room, some);
            left -= some;
        }

        while (left > 0 && Give(run))
        {
            left--;
        }

        return count - left;
    }

    /// <summary>All of them or none.</summary>
    public bool TryGive(int run, int count)
    {
        var kept = Save();
        if (Give(run, count) == count)
        {
            return true;
        }

        Restore(kept);
        return false;
    }

    /// <summary>Some runs grow, always the one with the fewest; among equals the one that holds more now, so that nobody moves without need.</summary>
    /// <param name="first">The first of them.</param>
    /// <param name="end">Behind the last.</param>
    /// <param name="limitOf">No further than this.</param>
    public void Grow(int first, int end, Func<int, int> limitOf)
    {
        var growing = new SortedSet<(int Total, int NotHeld, int Run)>();
        for (var run = first; run < end; run++)
        {
            if (_totals[run] < limitOf(run))
            {
                growing.Add((_totals[run], -_claims[run].HeldCount, run));
            }
        }

        while (growing.Count > 0)
        {
            var next = growing.Min;
            growing.Remove(next);
            var count = Math.Min(limitOf(next.Run) - next.Total, growing.Count == 0 ? int.MaxValue : TurnsBefore(next, growing.Min));
            if (Give(next.Run, count) == count && _totals[next.Run] < limitOf(next.Run))
            {
                growing.Add(next with { Total = _totals[next.Run] });
            }
        }
    }

    /// <summary>How often a run comes before another one that does not grow meanwhile.</summary>
    private static int TurnsBefore((int Total, int NotHeld, int Run) next, (int Total, int NotHeld, int Run) other) =>
        other.Total - next.Total + ((next.NotHeld, next.Run).CompareTo((other.NotHeld, other.Run)) < 0 ? 1 : 0);

    /// <summary>One more worker for a run.</summary>
    private bool Give(int run)
    {
        if (RoomFor(run) is { } room)
        {
            Add(run, room, 1);
            return true;
        }

        // Who could give up a worker of a kind that this run can use, and take another one instead? Breadth first: the fewest moves.
        var from = new (int Run, int Kind)?[_claims.Length];
        var seen = new bool[_claims.Length];
        var open = new Queue<int>();
        open.Enqueue(run);
        seen[run] = true;
        while (open.TryDequeue(out var taker))
        {
            for (var kind = 0; kind < _kinds.Length; kind++)
            {
                if (!_kinds[kind].IsFit[taker])
                {
                    continue;
                }

                for (var giver = 0; giver < _claims.Length; giver++)
                {
                    if (seen[giver] || _dealt[giver, kind] == 0)
                    {
                        continue;
                    }

                    seen[giver] = true;
                    from[giver] = (taker, kind);
                    if (RoomFor(giver) is { } other)
                    {
                        Exchange(giver, other, from);
                        return true;
                    }

                    open.Enqueue(giver);
                }
            }
        }

        return false;
    }

    /// <summary>Everybody along the path takes over the place of the one behind it.</summary>
    private void Exchange(int last, int room, (int Run, int Kind)?[] from)
    {
        Add(last, room, 1);
        for (var giver = last; from[giver] is { } step; giver = step.Run)
        {
            _dealt[giver, step.Kind]--;
            _totals[giver]--;
            _dealt[step.Run, step.Kind]++;
            _totals[step.Run]++;
        }
    }

    private void Add(int run, int kind, int count)
    {
        _dealt[run, kind] += count;
        _totals[run] += count;
        _used[kind] += count;
    }

    /// <summary>The kind with workers left that the run can use, when there is just one.</summary>
    private int? OnlyRoomFor(int run)
    {
        int? only = null;
        for (var kind = 0; kind < _kinds.Length; kind++)
        {
            if (_kinds[kind].IsFit[run] && _used[kind] < _kinds[kind].Count)
            {
                if (only is not null)
                {
                    return null;
                }

                only = kind;
            }
        }

        return only;
    }

    /// <summary>A kind with a worker left that the run can use: first what it holds already, then what the others hold least of.</summary>
    private int? RoomFor(int run)
    {
        (int? best, var most) = (null, int.MinValue);
        for (var kind = 0; kind < _kinds.Length; kind++)
        {
            if (!_kinds[kind].IsFit[run] || _used[kind] >= _kinds[kind].Count)
            {
                continue;
            }

            var worth = _kinds.Length == 1 ? 0 : _claims[run].Held[kind] > _dealt[run, kind] ? int.MaxValue : _kinds[kind].Count - Wanted(kind);
            if (best is null || worth > most)
            {
                (best, most) = (kind, worth);
            }
        }

        return best;
    }

    /// <summary>Workers of a kind that were dealt out, or that somebody holds and may want to keep.</summary>
    private int Wanted(int kind)
    {
        var wanted = 0;
        for (var run = 0; run < _claims.Length; run++)
        {
            wanted += Math.Max(_dealt[run, kind], _claims[run].Held[kind]);
        }

        return wanted;
    }
}
