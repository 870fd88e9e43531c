using System.Collections.Immutable;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>What a save writes.</summary>
/// <param name="Manifest">Everything but <see cref="CheckpointManifest.Files"/>, which the store fills in, as it does an empty <see cref="CheckpointManifest.WeightsSha256"/>.</param>
/// <param name="Weights">Every parameter and persistent buffer. Pulled during the save: they must not change until it returns.</param>
/// <param name="Optimizer">The optimizer's state; may be empty.</param>
/// <param name="JobJson">The resolved job file.</param>
public sealed record CheckpointContent(
    CheckpointManifest Manifest, ImmutableArray<TensorSource> Weights, ImmutableArray<TensorSource> Optimizer, string JobJson);

/// <summary>How a save ended, when it did not throw.</summary>
/// <param name="Path">Absolute path of the checkpoint's folder.</param>
/// <param name="WasAlreadyThere">The same step with the same weights stood there, whole; nothing was written.</param>
/// <param name="Deleted">Folders that retention deleted.</param>
/// <param name="RetentionProblem">Why an old checkpoint could not be deleted; the new one is committed all the same.</param>
public sealed record CheckpointSaveResult(
    string Path, CheckpointManifest Manifest, bool WasAlreadyThere, ImmutableArray<string> Deleted, string? RetentionProblem)
{
    /// <summary>Bytes of all files that the manifest lists.</summary>
    public long Bytes => Manifest.Files.Sum(file => file.Bytes);
}

/// <summary>One committed checkpoint of a folder.</summary>
/// <param name="Path">Absolute path of its folder.</param>
/// <param name="Manifest">Null when it cannot be read; <paramref name="Problem"/> says why.</param>
public sealed record CheckpointListing(string Path, long Step, CheckpointManifest? Manifest, string? Problem);
