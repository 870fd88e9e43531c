namespace Orchestrator.Storage.Relational;

/// <summary>Who owns something, as the store knows it.</summary>
/// <param name="Name">What is owned.</param>
/// <param name="Owner">The process: unique for each start of a coordinator.</param>
/// <param name="Address">Where the owner is reached: host:port.</param>
/// <param name="Term">Rises by one each time the lease is granted anew.</param>
/// <param name="Remaining">Until it lapses, by the store's clock; zero or less: it has lapsed.</param>
public sealed record Lease(string Name, string Owner, string Address, long Term, TimeSpan Remaining)
{
    /// <summary>Where the owner serves HTTP, in the same form; empty: nowhere that others reach.</summary>
    public string HttpAddress { get; init; } = "";

    public bool IsLapsed => Remaining <= TimeSpan.Zero;

    /// <summary>What its owner shows with every write.</summary>
    public Ownership Ownership => new(Name, Owner, Term);
}

/// <summary>The right to write: the lease, its owner and the term under which it was granted.</summary>
public sealed record Ownership(string Lease, string Owner, long Term);

/// <summary>The store's answer to a wish for a lease.</summary>
/// <param name="IsGranted">The caller owns it now.</param>
/// <param name="Present">The lease as it stands; null: nobody has it.</param>
/// <param name="Reason">Why, in a sentence.</param>
public sealed record LeaseAnswer(bool IsGranted, Lease? Present, string Reason);
