namespace Orchestrator.Integration.Tests.Support;

/// <summary>What a process has open, as the kernel tells it.</summary>
internal static class OpenFiles
{
    /// <summary>All of its descriptors.</summary>
    public static int Count(int pid) => Directory.GetFiles($"/proc/{pid}/fd").Length;

    /// <returns>Paths of the files that it has open in run folders, and not in the folder above them, where the store is; one that it closes meanwhile is left out.</returns>
    public static List<string> OfRuns(int pid, string runs) =>
    [
        .. Directory.GetFiles($"/proc/{pid}/fd").Select(TargetOf).OfType<string>()
            .Where(path => path.StartsWith(runs + Path.DirectorySeparatorChar, StringComparison.Ordinal) && Path.GetDirectoryName(path) != runs).Order(StringComparer.Ordinal),
    ];

    private static string? TargetOf(string descriptor)
    {
        try
        {
            return new FileInfo(descriptor).LinkTarget;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
