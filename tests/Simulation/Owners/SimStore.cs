using Orchestrator.Simulation.World;

namespace Orchestrator.Simulation.Owners;

/// <summary>The store as coordinators see it: one lease and one run's log. Each request is one transaction.</summary>
internal sealed class SimStore(SimClock clock, OwnerBug bug)
{
    private readonly HashSet<int> _known = [];

    /// <summary>Micros of virtual time until which nothing is answered.</summary>
    public long DownUntil { get; set; }

    public string Owner { get; private set; } = "";

    public long Term { get; private set; }

    public long ExpiresAt { get; private set; }

    /// <summary>Writes that were stored, each a version.</summary>
    public long Version { get; private set; }

    /// <summary>What was stored, in order.</summary>
    public List<(long Term, int Change)> Log { get; } = [];

    public int Refused { get; private set; }

    public bool IsDown => clock.Micros < DownUntil;

    public bool Has(int change) => _known.Contains(change);

    public bool IsHeldBy(string owner, long term) => Owner == owner && Term == term && clock.Micros < ExpiresAt;

    public (bool IsGranted, long Term, TimeSpan Remaining) Take(string owner, TimeSpan length)
    {
        var isLapsed = clock.Micros >= ExpiresAt && (bug != OwnerBug.NeverLapses || Owner.Length == 0);
        if (!isLapsed && Owner != owner)
        {
            return (false, Term, TimeSpan.FromMicroseconds(ExpiresAt - clock.Micros));
        }

        Term += isLapsed && (bug != OwnerBug.TermIsNotRaised || Term == 0) ? 1 : 0;
        (Owner, ExpiresAt) = (owner, clock.Micros + (long)length.TotalMicroseconds);
        return (true, Term, length);
    }

    public bool Renew(string owner, long term, TimeSpan length)
    {
        if (!IsHeldBy(owner, term))
        {
            return false;
        }

        ExpiresAt = clock.Micros + (long)length.TotalMicroseconds;
        return true;
    }

    /// <returns>Null: stored; else why not.</returns>
    public string? Write(string owner, long term, long version, IReadOnlyList<int> changes)
    {
        if ((Owner != owner || Term != term) && bug != OwnerBug.StoreTakesAnyTerm)
        {
            Refused++;
            return $"{owner} writes under term {term}; {Owner} has term {Term}.";
        }

        if (version <= Version && bug != OwnerBug.StoredTwice)
        {
            return null;
        }

        Version = Math.Max(version, Version);
        foreach (var change in changes)
        {
            Promise.Keep(_known.Add(change), $"change {change} is stored twice");
            Promise.Keep(Log.Count == 0 || Log[^1].Term <= term, $"a write of term {term} stands behind one of term {(Log.Count == 0 ? 0 : Log[^1].Term)}");
            Log.Add((term, change));
        }

        return null;
    }

    /// <summary>Once an owner has surrendered, others need not wait.</summary>
    public void Surrender(string owner, long term)
    {
        if (Owner == owner && Term == term)
        {
            ExpiresAt = 0;
        }
    }
}
