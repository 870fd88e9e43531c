using System.Collections.Immutable;
using Orchestrator.Storage.Files;
using Orchestrator.Storage.Safetensors;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>The checkpoints of one folder: <c>step-NNNNNNNN/</c> with manifest.json, weights.safetensors, optimizer.safetensors and job.json.</summary>
/// <remarks>
/// A process killed at any byte, or a power cut at any moment, leaves the former checkpoints whole and readable; what it leaves of the
/// new one is not listed and is deleted by the next save. A checkpoint is never overwritten. One process writes at a time (a lock that
/// the kernel releases when the process ends); any number read. Methods block and may be called from any thread; two saves of one
/// process exclude each other through the same lock. Memory: one piece of 1 MiB and the headers; tensors are streamed out and mapped in, so
/// a save costs no copy of the model beyond the snapshot that its caller holds, and a load costs none before the caller makes its own.
/// </remarks>
public sealed class CheckpointStore
{
    /// <summary>Tells other readers of safetensors that shapes and strides are PyTorch's.</summary>
    internal static readonly ImmutableSortedDictionary<string, string> TensorMetadata =
        ImmutableSortedDictionary<string, string>.Empty.WithComparers(StringComparer.Ordinal).Add("format", "pt");

    private readonly IFileSystem _files;

    public CheckpointStore(string directory, IFileSystem? fileSystem = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        Directory = Path.GetFullPath(directory);
        _files = fileSystem ?? LocalFileSystem.Instance;
    }

    /// <summary>Absolute path; need not exist before the first save.</summary>
    public string Directory { get; }

    /// <summary>Writes and commits a checkpoint, then deletes what retention gives up.</summary>
    /// <param name="keep">How many checkpoints of this run stay; at least 1.</param>
    /// <param name="resumedFrom">Folder of the checkpoint that the run was resumed from: never deleted. Null: from the initial weights.</param>
    /// <exception cref="StorageException">Nothing was committed, and the former checkpoints are whole. The one exception is said in the
    /// message: the commit's own fsync failed, and whether it outlives a power cut is unknown.</exception>
    /// <exception cref="OperationCanceledException">Nothing was committed.</exception>
    public CheckpointSaveResult Save(CheckpointContent content, int keep, string? resumedFrom = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(content.Manifest.Step);
        var folder = Path.Combine(Directory, CheckpointFiles.StepFolder(content.Manifest.Step));
        // What this needs on disk, for the message when it is not there.
        var wanted = SafetensorsWriter.MeasureBytes(content.Weights, TensorMetadata) + SafetensorsWriter.MeasureBytes(content.Optimizer, TensorMetadata);
        var writer = new CheckpointWriter(_files, folder);
        try
        {
            EnsureDirectory(Directory);
            using var writing = Lock();
            CheckpointDebris.Clean(_files, Directory);
            if (_files.FileExists(Path.Combine(folder, CheckpointFiles.Manifest)))
            {
                return new CheckpointSaveResult(folder, Confirm(folder, content, cancellation), WasAlreadyThere: true, [], null);
            }
            try
            {
                var manifest = writer.Write(content, cancellation);
                var (deleted, problem) = Retain(manifest.RunId, keep, folder, resumedFrom);
                return new CheckpointSaveResult(folder, manifest, WasAlreadyThere: false, deleted, problem);
            }
            catch when (!writer.MayBeCommitted)
            {
                GiveRoomBack(folder);
                throw;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var action = writer.MayBeCommitted ? "Making the finished checkpoint durable in" : "Writing the checkpoint";
            throw StorageException.From(error, action, folder, wanted, _files.FreeBytes(Directory));
        }
    }

    /// <summary>Every committed checkpoint, from old to new. One whose manifest cannot be read is listed with its problem.</summary>
    public ImmutableArray<CheckpointListing> List()
    {
        try
        {
            return
            [
                .. CheckpointAge.Order(_files.List(Directory)
                    .Select(name => (Step: CheckpointFiles.StepOf(name), Path: Path.Combine(Directory, name)))
                    .Where(entry => entry.Step is not null && _files.FileExists(Path.Combine(entry.Path, CheckpointFiles.Manifest)))
                    .Select(entry => Describe(entry.Path, entry.Step!.Value))),
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StorageException.From(error, "Reading", Directory);
        }
    }

    /// <summary>The newest checkpoint; null when there is none.</summary>
    /// <exception cref="StorageException">The newest folder is damaged: an older one is never taken in silence; the message names it.</exception>
    public CheckpointListing? FindLatest()
    {
        var listings = List();
        if (listings.Where(listing => listing.Problem is not null).MaxBy(listing => listing.Step) is { } damaged
            && listings.All(listing => listing.Step <= damaged.Step))
        {
            var older = listings.LastOrDefault(listing => listing.Problem is null);
            throw new StorageException(
                StorageFailure.Corrupt, damaged.Path, $"The newest checkpoint of {Directory} is damaged: {damaged.Problem}",
                older is null ? "No older one is left." : $"To go on from an older one, name it: {older.Path}");
        }
        return listings.LastOrDefault(listing => listing.Problem is null);
    }

    /// <summary>Checks every byte of the checkpoint at <paramref name="path"/> (see <see cref="CheckpointPath.Resolve"/>).</summary>
    public static CheckpointVerification Verify(string path, IFileSystem? fileSystem = null, CancellationToken cancellation = default)
    {
        var files = fileSystem ?? LocalFileSystem.Instance;
        return CheckpointVerifier.Verify(files, CheckpointPath.Resolve(path, files), cancellation);
    }

    /// <summary>Opens the checkpoint at <paramref name="path"/> (see <see cref="CheckpointPath.Resolve"/>), after checking every byte of it.</summary>
    /// <exception cref="StorageException">There is none, or it is damaged; every problem is named.</exception>
    public static Checkpoint Load(string path, IFileSystem? fileSystem = null, CancellationToken cancellation = default)
    {
        var files = fileSystem ?? LocalFileSystem.Instance;
        var folder = CheckpointPath.Resolve(path, files);
        ThrowIfDamaged(CheckpointVerifier.Verify(files, folder, cancellation));
        return Checkpoint.Open(files, folder);
    }

    private static void ThrowIfDamaged(CheckpointVerification verification)
    {
        if (!verification.IsWhole)
        {
            throw new StorageException(
                StorageFailure.Corrupt, verification.Path, $"The checkpoint {verification.Path} is damaged: {string.Join(" ", verification.Problems)}",
                "Use another one (`checkpoint list` shows which there are), or restore its files.");
        }
    }

    /// <summary>The same step again: success when it holds the same weights and is whole, and durable even if the first save could not say so.</summary>
    private CheckpointManifest Confirm(string folder, CheckpointContent content, CancellationToken cancellation)
    {
        var verification = CheckpointVerifier.Verify(_files, folder, cancellation);
        ThrowIfDamaged(verification);
        var manifest = verification.Manifest!;
        var weightsSha256 = WeightsHash.Compute(content.Weights, cancellation);
        if (manifest.WeightsSha256 != weightsSha256)
        {
            throw new StorageException(
                StorageFailure.Conflict, folder,
                $"{folder} already holds step {manifest.Step} of run {manifest.RunId} with the weights {manifest.WeightsSha256}; run {content.Manifest.RunId} has {weightsSha256}.",
                "A checkpoint is never overwritten: set checkpoint.dir or --out to another folder, or move this one away.");
        }
        _files.SyncDirectory(folder);
        _files.SyncDirectory(Directory);
        return manifest;
    }

    private (ImmutableArray<string> Deleted, string? Problem) Retain(string runId, int keep, string written, string? resumedFrom)
    {
        var deleted = ImmutableArray.CreateBuilder<string>();
        try
        {
            var kept = new HashSet<string>(StringComparer.Ordinal) { written };
            if (resumedFrom is not null)
            {
                kept.Add(Path.TrimEndingDirectorySeparator(Path.GetFullPath(resumedFrom)));
            }
            foreach (var listing in RetentionRule.ToDelete(List(), runId, keep, kept))
            {
                CheckpointDebris.DeleteCheckpoint(_files, listing.Path);
                deleted.Add(listing.Path);
            }
            return (deleted.ToImmutable(), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (deleted.ToImmutable(), StorageException.From(error, "Deleting an old checkpoint of", Directory).Message);
        }
    }

    private IDisposable Lock() => _files.TryLock(Path.Combine(Directory, CheckpointFiles.WriterLock)) ?? throw new StorageException(
        StorageFailure.Busy, Directory, $"Another process is saving a checkpoint in {Directory}.",
        "Give each run its own checkpoint.dir, or stop the other process.");

    private void EnsureDirectory(string directory)
    {
        if (_files.DirectoryExists(directory))
        {
            return;
        }
        var parent = Path.GetDirectoryName(directory)!;
        EnsureDirectory(parent);
        _files.CreateDirectory(directory);
        _files.SyncDirectory(parent);
    }

    private void GiveRoomBack(string folder)
    {
        try
        {
            CheckpointDebris.DeleteFolder(_files, folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first failure is the one to report; the next save cleans this folder.
        }
    }

    private CheckpointListing Describe(string path, long step)
    {
        try
        {
            return new CheckpointListing(path, step, CheckpointManifestJson.Read(Path.Combine(path, CheckpointFiles.Manifest), _files), null);
        }
        catch (StorageException error)
        {
            return new CheckpointListing(path, step, null, error.Message);
        }
    }
}
