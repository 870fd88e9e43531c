using System.Collections.Immutable;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>What <c>manifest.json</c> says of a checkpoint. Its presence under that name is what makes the folder a checkpoint.</summary>
public sealed record CheckpointManifest
{
    /// <summary>The schema that this build writes, and the highest that it reads.</summary>
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    public required string RunId { get; init; }

    public required string JobName { get; init; }

    /// <summary>N: how many steps the state holds.</summary>
    public required long Step { get; init; }

    /// <summary>Whole passes over the training part that lie behind.</summary>
    public required long Epoch { get; init; }

    /// <summary>Samples of the present epoch that lie behind.</summary>
    public required long EpochPosition { get; init; }

    /// <summary>See <see cref="Safetensors.WeightsHash"/>. Given to a save it is empty, or the hash that the saved file must turn out to have.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>The numeric fingerprint, name to value. Storage keeps it and does not read it.</summary>
    public required ImmutableSortedDictionary<string, string> Fingerprint { get; init; }

    public required long Seed { get; init; }

    public required int GlobalBatch { get; init; }

    public required int LogicalRanks { get; init; }

    public required DataSetPin DataSet { get; init; }

    /// <summary>When the save began, by the clock of the writing worker. For people; nothing is decided by it.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    public CheckpointLineage Lineage { get; init; } = new(0, null);

    /// <summary>Name of the resolved job file in the folder.</summary>
    public string JobFile { get; init; } = CheckpointFiles.Job;

    /// <summary>Every other file of the folder, in ordinal order of names. Filled in by the store.</summary>
    public ImmutableArray<CheckpointFile> Files { get; init; } = [];
}

/// <summary>The data set as it was when the run began.</summary>
/// <param name="Samples">In the training part.</param>
public sealed record DataSetPin(long Samples, string Sha256);

/// <summary>Which resume this belongs to.</summary>
/// <param name="Number">0 for a run from its initial weights; each resume adds 1.</param>
/// <param name="Parent">The checkpoint that this lineage was resumed from; null for the first.</param>
public sealed record CheckpointLineage(int Number, CheckpointReference? Parent);

/// <summary>Names one checkpoint from another.</summary>
public sealed record CheckpointReference(string RunId, long Step, string WeightsSha256);

/// <summary>One file of a checkpoint, as it was written.</summary>
/// <param name="Sha256">Lower-case hex.</param>
public sealed record CheckpointFile(string Name, long Bytes, string Sha256);
