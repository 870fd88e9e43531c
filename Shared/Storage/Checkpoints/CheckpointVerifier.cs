using System.Collections.Immutable;
using System.Security.Cryptography;
using Orchestrator.Storage.Files;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>What a check of every byte of a checkpoint found.</summary>
/// <param name="Manifest">Null when it cannot be read.</param>
/// <param name="Problems">Sentences; empty when the checkpoint is whole.</param>
public sealed record CheckpointVerification(string Path, CheckpointManifest? Manifest, ImmutableArray<string> Problems)
{
    public bool IsWhole => Problems.IsEmpty;
}

/// <summary>Reads every file of a checkpoint and compares sizes, SHA-256 and the recomputed weights' hash with its manifest.</summary>
internal static class CheckpointVerifier
{
    public static CheckpointVerification Verify(IFileSystem files, string folder, CancellationToken cancellation)
    {
        CheckpointManifest manifest;
        try
        {
            manifest = CheckpointManifestJson.Read(Path.Combine(folder, CheckpointFiles.Manifest), files);
        }
        catch (StorageException error)
        {
            return new CheckpointVerification(folder, null, [error.Message]);
        }
        var problems = ImmutableArray.CreateBuilder<string>();
        if (CheckpointFiles.StepOf(Path.GetFileName(folder)) is { } step && step != manifest.Step)
        {
            problems.Add($"The folder {folder} is of step {step}, its manifest of step {manifest.Step}.");
        }
        foreach (var file in manifest.Files)
        {
            Collect(problems, () => CheckFile(files, folder, file, cancellation));
        }
        // A file that is not what was written needs no second complaint about its content.
        if (problems.Count == 0)
        {
            Collect(problems, () => CheckTensors(files, folder, manifest, cancellation));
        }
        return new CheckpointVerification(folder, manifest, problems.ToImmutable());
    }

    private static void Collect(ImmutableArray<string>.Builder problems, Func<string?> check)
    {
        try
        {
            if (check() is { } problem)
            {
                problems.Add(problem);
            }
        }
        catch (StorageException error)
        {
            problems.Add(error.Message);
        }
    }

    private static string? CheckFile(IFileSystem files, string folder, CheckpointFile expected, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, expected.Name);
        try
        {
            using var map = files.Map(path);
            if (map.Length != expected.Bytes)
            {
                return $"{path} has {map.Length} bytes; its manifest says {expected.Bytes}.";
            }
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (long offset = 0; offset < map.Length; offset += TensorSource.PieceBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                hash.AppendData(map.Slice(offset, (int)Math.Min(TensorSource.PieceBytes, map.Length - offset)));
            }
            var found = Convert.ToHexStringLower(hash.GetHashAndReset());
            return found == expected.Sha256 ? null : $"{path} has the SHA-256 {found}; its manifest says {expected.Sha256}.";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Reading", path);
        }
    }

    private static string? CheckTensors(IFileSystem files, string folder, CheckpointManifest manifest, CancellationToken cancellation)
    {
        using var weights = SafetensorsFile.Open(Path.Combine(folder, CheckpointFiles.Weights), files);
        using var optimizer = SafetensorsFile.Open(Path.Combine(folder, CheckpointFiles.Optimizer), files);
        var found = WeightsHash.Compute(weights, cancellation);
        return found == manifest.WeightsSha256 ? null : $"{weights.Path} has the weights' hash {found}; its manifest says {manifest.WeightsSha256}.";
    }
}
