using System.Text;
using Orchestrator.Storage.Files;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>A checkpoint opened for reading; its tensors are mapped, not loaded.</summary>
/// <remarks>Whoever opened it disposes it, after the last use of a tensor's bytes.</remarks>
public sealed class Checkpoint : IDisposable
{
    private Checkpoint(string path, CheckpointManifest manifest, string jobJson, SafetensorsFile weights, SafetensorsFile optimizer)
    {
        Path = path;
        Manifest = manifest;
        JobJson = jobJson;
        Weights = weights;
        Optimizer = optimizer;
    }

    /// <summary>Absolute path of its folder.</summary>
    public string Path { get; }

    public CheckpointManifest Manifest { get; }

    /// <summary>The resolved job file as it was.</summary>
    public string JobJson { get; }

    public SafetensorsFile Weights { get; }

    public SafetensorsFile Optimizer { get; }

    /// <summary>How the manifest of a resumed run names this one as its parent.</summary>
    public CheckpointReference Reference => new(Manifest.RunId, Manifest.Step, Manifest.WeightsSha256);

    internal static Checkpoint Open(IFileSystem files, string folder)
    {
        var manifest = CheckpointManifestJson.Read(System.IO.Path.Combine(folder, CheckpointFiles.Manifest), files);
        var jobJson = ReadText(files, System.IO.Path.Combine(folder, manifest.JobFile));
        var weights = SafetensorsFile.Open(System.IO.Path.Combine(folder, CheckpointFiles.Weights), files);
        try
        {
            var optimizer = SafetensorsFile.Open(System.IO.Path.Combine(folder, CheckpointFiles.Optimizer), files);
            return new Checkpoint(folder, manifest, jobJson, weights, optimizer);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Weights.Dispose();
        Optimizer.Dispose();
    }

    private static string ReadText(IFileSystem files, string path)
    {
        try
        {
            using var map = files.Map(path);
            return Encoding.UTF8.GetString(map.Slice(0, checked((int)map.Length)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Reading", path);
        }
    }
}
