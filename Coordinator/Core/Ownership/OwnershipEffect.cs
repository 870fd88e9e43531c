namespace Orchestrator.Coordinator.Core.Ownership;

/// <summary>What is to be done, in the order of the array. Closed set.</summary>
public abstract record OwnershipEffect
{
    private OwnershipEffect() { }

    /// <summary>Ask the store for the lease, as the owner of this stint.</summary>
    public sealed record Take(long Request, long Stint) : OwnershipEffect;

    public sealed record Renew(long Request, long Stint, long Term) : OwnershipEffect;

    /// <summary>Load the runs from the store and go on with them, under this term.</summary>
    public sealed record Adopt(long Term) : OwnershipEffect;

    /// <summary>Store these changes in one transaction. Sent again it is the same changes, for the first time may have been stored.</summary>
    public sealed record Write(long Term, long First, long Last) : OwnershipEffect;

    /// <summary>These changes are stored: give the orders that waited for them, now.</summary>
    public sealed record Release(long Term, long First, long Last) : OwnershipEffect;

    /// <summary>Give no order any more, drop those that wait, and let the workers go to another coordinator.</summary>
    public sealed record GiveUp(long Term, string Reason) : OwnershipEffect;

    /// <summary>Let the lease lapse at the store at once; nobody waits for the answer.</summary>
    public sealed record Surrender(long Stint, long Term) : OwnershipEffect;

    /// <summary>Something was ignored, and why.</summary>
    public sealed record Note(string Sentence) : OwnershipEffect;
}
