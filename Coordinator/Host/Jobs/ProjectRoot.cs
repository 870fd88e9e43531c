namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The folder from which a job file's relative paths start.</summary>
public static class ProjectRoot
{
    /// <returns>The nearest folder at or above the job file's that holds .git (a folder, or a file in a worktree); else the job file's own.</returns>
    public static string Of(string jobFile)
    {
        var own = Path.GetDirectoryName(Path.GetFullPath(jobFile))!;
        for (var folder = own; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Path.Exists(Path.Combine(folder, ".git")))
            {
                return folder;
            }
        }

        return own;
    }
}
