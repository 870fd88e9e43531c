using System.Collections.Immutable;
using Orchestrator.Core.Identities;

namespace Orchestrator.Storage.Relational;

/// <summary>A run as it is stored. What stands in the two texts is the coordinator's business.</summary>
/// <param name="Run">Its id.</param>
/// <param name="Number">In the order in which runs were submitted, from 1.</param>
/// <param name="Order">What was asked for; never changes.</param>
/// <param name="State">In the one word that people see.</param>
/// <param name="IsEnded">Nothing follows.</param>
/// <param name="Generation">The highest number that was given to a generation.</param>
/// <param name="Snapshot">Everything else that a new owner needs.</param>
/// <param name="Version">Writes so far.</param>
/// <param name="Term">Under which it was written last.</param>
/// <param name="Events">How many it has.</param>
/// <param name="SubmittedAt">By the store's clock.</param>
public sealed record RunRow(
    RunId Run, long Number, string Order, string State, bool IsEnded, Generation Generation, string Snapshot, long Version, long Term, long Events,
    DateTimeOffset SubmittedAt);

/// <summary>One write of an owner: what a run is now, and what happened. It is stored whole or not at all, and once, however often it is sent.</summary>
public sealed record RunChange
{
    public required RunId Run { get; init; }

    /// <summary>The number of this write: 1 for the first, which makes the run; then one more each time.</summary>
    public required long Version { get; init; }

    /// <inheritdoc cref="RunRow.Order"/>
    public required string Order { get; init; }

    public required string State { get; init; }

    public bool IsEnded { get; init; }

    public required Generation Generation { get; init; }

    public required string Snapshot { get; init; }

    /// <summary>What happened, in order; appended behind what is there.</summary>
    public ImmutableArray<RunEventLine> Events { get; init; } = [];

    public ImmutableArray<CheckpointRow> Checkpoints { get; init; } = [];

    /// <summary>A step that is taken again replaces its sample.</summary>
    public ImmutableArray<StepSample> Samples { get; init; } = [];
}

/// <param name="Name">Such as generation.formed.</param>
/// <param name="Line">One line of JSON, without a newline.</param>
public sealed record RunEventLine(string Name, string Line);

/// <param name="Sequence">From 1, without gaps; the first ones may have been pruned.</param>
/// <param name="Term">Of the owner that wrote it.</param>
public sealed record StoredEvent(long Sequence, long Term, string Name, string Line);

/// <summary>Where a checkpoint is. What commits it is its manifest; this only finds it.</summary>
public sealed record CheckpointRow(long Step, string Path, string WeightsSha256, DateTimeOffset SavedAt);

/// <summary>One step of a run, for charts. A value that is no number is null.</summary>
public sealed record StepSample(
    long Step, Generation Generation, double? Loss, double? LearningRate, double? GradientNorm, double? SamplesPerSecond, double? StepSeconds);

/// <summary>The store's answer to an owner's write. Closed set.</summary>
public abstract record WriteAnswer
{
    private WriteAnswer() { }

    /// <summary>It is stored, by this request or by an earlier one whose answer was lost.</summary>
    public sealed record Stored : WriteAnswer;

    /// <summary>Another owns the lease, or has owned it since: nothing was written, and nothing may be told.</summary>
    /// <param name="Present">Who owns it; null: nobody.</param>
    /// <param name="Reason">In a sentence.</param>
    public sealed record Refused(Lease? Present, string Reason) : WriteAnswer;

    /// <summary>The run or the pool is at another version than the owner thinks: a bug of ours. Nothing was written.</summary>
    /// <param name="Of">The run's id, or the pool's name.</param>
    /// <param name="Present">The version that the store has.</param>
    /// <param name="Reason">In a sentence.</param>
    public sealed record OutOfOrder(string Of, long Present, string Reason) : WriteAnswer;
}
