using Orchestrator.Coordinator.Host.Jobs;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>Where a run of a remote caller may lie: below the coordinator's folder of runs, and nowhere else.</summary>
internal static class RunsPath
{
    /// <param name="runsFolder">Absolute.</param>
    /// <param name="typed">Relative to it.</param>
    /// <returns>The absolute path; null and the reason when it leads out of the folder.</returns>
    public static (string? Path, string? Problem) Resolve(string runsFolder, string typed)
    {
        var problem = $"out is '{typed}'; a path below the coordinator's folder of runs is needed, such as my-run, without a leading / and without '..'.";
        if (typed.Length == 0 || typed.Any(char.IsControl) || Path.IsPathRooted(typed) || PathRule.GoesUp(typed))
        {
            return (null, problem);
        }

        var root = Path.GetFullPath(runsFolder);
        var full = Path.GetFullPath(Path.Combine(root, typed));
        return PathRule.IsBelow(full, root) ? (full, null) : (null, problem);
    }
}
