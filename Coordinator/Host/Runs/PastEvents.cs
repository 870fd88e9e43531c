namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>What stands in a run's events.jsonl, for those who come to it later.</summary>
internal static class PastEvents
{
    /// <param name="runDir">The run's folder.</param>
    /// <param name="count">Lines that are written whole; the next one may be half there.</param>
    /// <returns>At most that many, from the first on; none when the folder was moved or deleted: the state is still known.</returns>
    public static List<string> Read(string runDir, int count)
    {
        try
        {
            using var file = new FileStream(Path.Combine(runDir, RunFolder.EventsFile), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(file);
            var lines = new List<string>();
            while (lines.Count < count && reader.ReadLine() is { } line)
            {
                lines.Add(line);
            }

            return lines;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
