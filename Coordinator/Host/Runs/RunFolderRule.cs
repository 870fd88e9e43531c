using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>Whether a folder may become a run's: a run never writes over another one's files.</summary>
internal static class RunFolderRule
{
    /// <param name="folder">Absolute.</param>
    /// <param name="resumeFrom">Absolute checkpoint folder; null: the run starts anew.</param>
    /// <returns>Null when it may; else the sentence.</returns>
    public static string? WhyNot(string folder, string? resumeFrom)
    {
        if (File.Exists(folder))
        {
            return $"{folder} is a file; a run needs a folder. Choose another with --out.";
        }

        if (!RunFolder.IsUsed(folder))
        {
            return null;
        }

        var own = Path.Combine(folder, CheckpointFiles.FolderInRun) + Path.DirectorySeparatorChar;
        return resumeFrom is not null && resumeFrom.StartsWith(own, StringComparison.Ordinal) ? null : UsedSentence(folder);
    }

    public static string UsedSentence(string folder) =>
        $"{folder} holds a run already. Choose another folder with --out, or go on with that run: --resume {folder}";
}
