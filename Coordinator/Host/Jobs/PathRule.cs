namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>Whether a path that somebody else typed stays in a folder. Compares paths as they are written.</summary>
internal static class PathRule
{
    public static bool GoesUp(string path) => path.Split('/', '\\').Contains("..");

    /// <param name="path">Absolute.</param>
    /// <param name="folder">Absolute; not itself below it.</param>
    public static bool IsBelow(string path, string folder) => path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);
}
