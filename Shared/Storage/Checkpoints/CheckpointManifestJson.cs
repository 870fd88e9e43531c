using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Checkpoints;

/// <summary><c>manifest.json</c>: reads what it is given with suspicion, writes the same manifest as the same bytes.</summary>
public static class CheckpointManifestJson
{
    /// <summary>A manifest has a few entries; a megabyte is none of ours.</summary>
    public const int MaxBytes = 1 << 20;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NewLine = "\n",
    };

    public static string Write(CheckpointManifest manifest) => JsonSerializer.Serialize(manifest, Options) + "\n";

    /// <exception cref="StorageException">It is not a manifest, or one of a newer build.</exception>
    public static CheckpointManifest Read(string path, ReadOnlySpan<byte> json)
    {
        CheckpointManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<CheckpointManifest>(json, Options);
        }
        catch (JsonException error)
        {
            // A newer schema may fail to parse just because it is newer: say so first.
            ThrowIfNewer(path, json);
            throw Corrupt(path, $"it is not the JSON of a manifest: {error.Message.TrimEnd('.')}", error);
        }
        if (manifest is null)
        {
            throw Corrupt(path, "it is null");
        }
        ThrowIfNewer(path, manifest.SchemaVersion);
        if (manifest.SchemaVersion < 1 || manifest.Step < 0)
        {
            throw Corrupt(path, $"schemaVersion {manifest.SchemaVersion} or step {manifest.Step} is out of range");
        }
        foreach (var required in new[] { CheckpointFiles.Weights, CheckpointFiles.Optimizer, manifest.JobFile })
        {
            if (manifest.Files.IsDefault || !manifest.Files.Any(file => file.Name == required))
            {
                throw Corrupt(path, $"it does not list {required}");
            }
        }
        if (manifest.Files.FirstOrDefault(file => file.Name != Path.GetFileName(file.Name) || file.Name is "." or "..") is { } foreign)
        {
            throw Corrupt(path, $"it lists '{foreign.Name}', which is not a file of its own folder");
        }
        return manifest;
    }

    internal static CheckpointManifest Read(string path, IFileSystem files)
    {
        try
        {
            using var map = files.Map(path);
            return map.Length <= MaxBytes
                ? Read(path, map.Slice(0, (int)map.Length))
                : throw Corrupt(path, $"it has {map.Length} bytes; a manifest has at most {MaxBytes}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Reading", path);
        }
    }

    private static void ThrowIfNewer(string path, ReadOnlySpan<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json.ToArray());
            if (document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("schemaVersion", out var version) && version.TryGetInt32(out var number))
            {
                ThrowIfNewer(path, number);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not even JSON: the caller says what is wrong with it.
        }
    }

    private static void ThrowIfNewer(string path, int version)
    {
        if (version > CheckpointManifest.CurrentSchemaVersion)
        {
            throw new StorageException(
                StorageFailure.Corrupt, path, $"{path} has schemaVersion {version}; this build reads up to {CheckpointManifest.CurrentSchemaVersion}.",
                "Use the build that wrote it, or a newer one.");
        }
    }

    private static StorageException Corrupt(string path, string what, Exception? inner = null) => new(
        StorageFailure.Corrupt, path, $"{path} cannot be read: {what}.", "Use another checkpoint; `checkpoint list` shows which there are.", null, inner);
}
