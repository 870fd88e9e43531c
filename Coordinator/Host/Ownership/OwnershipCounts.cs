namespace Orchestrator.Coordinator.Host.Ownership;

/// <summary>What of this process' ownerships is counted; it outlives each of them. Any thread.</summary>
public sealed class OwnershipCounts
{
    private long _term;
    private long _refusals;

    /// <summary>Under which it owns the runs; 0: it stands by.</summary>
    public long Term => Interlocked.Read(ref _term);

    /// <summary>Changes, orders and renewals that were refused, because the lease was over or another's.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    public void Owns(long term) => Interlocked.Exchange(ref _term, term);

    public void StandsBy() => Interlocked.Exchange(ref _term, 0);

    public void Refuse(int count = 1) => Interlocked.Add(ref _refusals, count);
}
