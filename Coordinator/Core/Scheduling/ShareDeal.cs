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

    /// <summary>As many of them as can be had.</summary>
    public void Give(int run, int count)
    {
        while (count > 0 && Give(run))
        {
            count--;
        }
    }

    /// <summary>All of them or none.</summary>
    public bool TryGive(int run, int count)
    {
        var kept = Save();
        for (var given = 0; given < count; given++)
        {
            if (!Give(run))
            {
                Restore(kept);
                return false;
            }
        }

        return true;
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
            if (Give(next.Run) && _totals[next.Run] < limitOf(next.Run))
            {
                growing.Add(next with { Total = _totals[next.Run] });
            }
        }
    }

    /// <summary>One more worker for a run.</summary>
    private bool Give(int run)
    {
        if (RoomFor(run) is { } room)
        {
            Add(run, room);
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
        Add(last, room);
        for (var giver = last; from[giver] is { } step; giver = step.Run)
        {
            _dealt[giver, step.Kind]--;
            _totals[giver]--;
            _dealt[step.Run, step.Kind]++;
            _totals[step.Run]++;
        }
    }

    private void Add(int run, int kind)
    {
        _dealt[run, kind]++;
        _totals[run]++;
        _used[kind]++;
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
