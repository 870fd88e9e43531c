using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>Finds the checkpoint that a person means by a path.</summary>
public static class CheckpointPath
{
    /// <summary>A checkpoint's folder is itself; a folder of checkpoints, or a run folder, is its newest checkpoint.</summary>
    /// <returns>Absolute path of a folder that has a manifest.</returns>
    /// <exception cref="StorageException">There is none; the message says what was found instead.</exception>
    public static string Resolve(string path, IFileSystem? fileSystem = null)
    {
        var files = fileSystem ?? LocalFileSystem.Instance;
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (files.FileExists(Path.Combine(full, CheckpointFiles.Manifest)))
        {
            return full;
        }
        if (Path.GetFileName(full) == CheckpointFiles.Manifest && files.FileExists(full))
        {
            return Path.GetDirectoryName(full)!;
        }
        foreach (var folder in new[] { full, Path.Combine(full, CheckpointFiles.FolderInRun) })
        {
            if (new CheckpointStore(folder, files).FindLatest() is { } latest)
            {
                return latest.Path;
            }
        }
        throw new StorageException(
            StorageFailure.NotFound, full,
            files.DirectoryExists(full) ? $"{full} holds no finished checkpoint." : $"There is no checkpoint at {full}: there is no such folder.",
            $"Give a run folder, or a folder {CheckpointFiles.StepFolder(120)} with a {CheckpointFiles.Manifest} in it.");
    }
}
