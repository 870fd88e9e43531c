namespace Orchestrator.Coordinator.Core.Ownership;

/// <summary>How long a lease lasts and how often it is renewed. All coordinators of a store have the same.</summary>
/// <remarks>A standby owns a lost owner's runs within about <see cref="Length"/> + <see cref="RetryAfter"/>.</remarks>
public sealed record OwnershipTimes
{
    /// <summary>By the store's clock, from the moment at which it grants or renews.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The owner stops this much before the lease can lapse: clocks that differ in rate by a tenth, and the way from a decision to the network.</summary>
    public TimeSpan Margin { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>Between two renewals: three may fail before the owner has to stop.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>After a failure or a refusal.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>An answer that takes longer counts as lost; the request is made again.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often <see cref="OwnershipEvent.Tick"/> comes.</summary>
    public TimeSpan TickInterval { get; init; } = TimeSpan.FromMilliseconds(50);
}
