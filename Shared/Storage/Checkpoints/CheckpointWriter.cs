using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Storage.Files;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>Puts one checkpoint on disk in an order that leaves no half of it to be found.</summary>
/// <remarks>
/// <list type="number">
/// <item>The folder <c>step-N</c> is made. Without a manifest it is debris: nobody lists it, and the next save deletes it.</item>
/// <item>job.json, weights.safetensors and optimizer.safetensors are written there, each fsynced.</item>
/// <item><c>manifest.json.tmp</c> is written and fsynced.</item>
/// <item>The folder and its parent are fsynced: every name above survives a power cut.</item>
/// <item><c>manifest.json.tmp</c> is renamed to <c>manifest.json</c>. THIS is the commit, the only one.</item>
/// <item>The folder is fsynced: the commit survives a power cut. Only now does the save report success.</item>
/// </list>
/// </remarks>
internal sealed class CheckpointWriter(IFileSystem files, string folder)
{
    /// <summary>The rename was called: from here on the folder may be a checkpoint and must not be deleted as debris.</summary>
    public bool MayBeCommitted { get; private set; }

    public CheckpointManifest Write(CheckpointContent content, CancellationToken cancellation)
    {
        files.CreateDirectory(folder);
        var written = ImmutableArray.CreateBuilder<CheckpointFile>();
        written.Add(WriteFile(content.Manifest.JobFile, sink => sink(Encoding.UTF8.GetBytes(content.JobJson))));
        written.Add(WriteTensors(CheckpointFiles.Optimizer, content.Optimizer, cancellation));
        written.Add(WriteTensors(CheckpointFiles.Weights, content.Weights, cancellation));
        var weightsSha256 = HashWritten(content.Manifest.WeightsSha256, cancellation);
        var manifest = content.Manifest with { WeightsSha256 = weightsSha256, Files = [.. written.OrderBy(file => file.Name, StringComparer.Ordinal)] };
        Commit(manifest, cancellation);
        return manifest;
    }

    private void Commit(CheckpointManifest manifest, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, CheckpointFiles.Manifest);
        AtomicFile.WriteTemporary(files, path, Encoding.UTF8.GetBytes(CheckpointManifestJson.Write(manifest)));
        files.SyncDirectory(folder);
        files.SyncDirectory(Path.GetDirectoryName(folder)!);
        cancellation.ThrowIfCancellationRequested();
        MayBeCommitted = true;
        files.Rename(path + AtomicFile.TemporarySuffix, path);
        files.SyncDirectory(folder);
    }

    /// <summary>The hash of what lies on disk now, not of what was meant to: a snapshot that changed during the save shows here.</summary>
    private string HashWritten(string expected, CancellationToken cancellation)
    {
        // Just written, so the page cache still holds it: a pass over memory, not over the disk.
        using var weights = SafetensorsFile.Open(Path.Combine(folder, CheckpointFiles.Weights), files);
        var found = WeightsHash.Compute(weights, cancellation);
        return expected.Length == 0 || expected == found
            ? found
            : throw new StorageException(
                StorageFailure.Corrupt, weights.Path, $"{weights.Path} has the weights' hash {found} after writing; {expected} was expected: the weights changed while they were saved.",
                "Save from a snapshot that nothing writes to.");
    }

    private CheckpointFile WriteTensors(string name, ImmutableArray<TensorSource> tensors, CancellationToken cancellation) =>
        WriteFile(name, sink => SafetensorsWriter.Write(sink, tensors, CheckpointStore.TensorMetadata, cancellation));

    private CheckpointFile WriteFile(string name, Action<SpanSink> write)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var writer = files.Create(Path.Combine(folder, name));
        long length = 0;
        write(bytes =>
        {
            writer.Write(bytes);
            hash.AppendData(bytes);
            length += bytes.Length;
        });
        writer.Sync();
        return new CheckpointFile(name, length, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
