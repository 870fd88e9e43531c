using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Checkpoints;

/// <summary>Takes folders away: the debris of saves that were cut short, and checkpoints that retention gives up.</summary>
internal static class CheckpointDebris
{
    /// <summary>Deletes every step folder without a manifest. The caller holds the writer's lock.</summary>
    public static void Clean(IFileSystem files, string directory)
    {
        foreach (var name in files.List(directory).Where(name => CheckpointFiles.StepOf(name) is not null))
        {
            var folder = Path.Combine(directory, name);
            if (!files.FileExists(Path.Combine(folder, CheckpointFiles.Manifest)))
            {
                DeleteFolder(files, folder);
            }
        }
    }

    /// <summary>Takes the manifest away first and makes that durable, so that what a crash leaves is debris and never half a checkpoint.</summary>
    public static void DeleteCheckpoint(IFileSystem files, string folder)
    {
        files.DeleteFile(Path.Combine(folder, CheckpointFiles.Manifest));
        files.SyncDirectory(folder);
        DeleteFolder(files, folder);
    }

    public static void DeleteFolder(IFileSystem files, string folder)
    {
        if (!files.DirectoryExists(folder))
        {
            return;
        }
        foreach (var name in files.List(folder))
        {
            files.DeleteFile(Path.Combine(folder, name));
        }
        files.DeleteDirectory(folder);
    }
}
