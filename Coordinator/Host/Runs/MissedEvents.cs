namespace Orchestrator.Coordinator.Host.Runs;

/// <summary>Completes a run's events.jsonl from the store: an owner that died between the two had stored events that it did not write, and one without room on its disk could not.</summary>
/// <remarks>The store has every event that was decided, in order; but its first ones may have been pruned, and the file has those.</remarks>
internal static class MissedEvents
{
    private const byte NewLine = (byte)'\n';

    /// <summary>How many whole lines a file has; 0 when there is none.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static long CountLines(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var (block, lines) = (new byte[64 * 1024], 0L);
            for (int read; (read = file.Read(block)) > 0;)
            {
                lines += block.AsSpan(0, read).Count(NewLine);
            }

            return lines;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return 0;
        }
    }

    /// <summary>The whole lines of a file: what a killed process wrote in part is no line.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static IReadOnlyList<string> ReadLines(string path) => File.ReadAllText(path).Split('\n')[..^1];

    /// <param name="file">Whole lines of the file.</param>
    /// <param name="stored">Lines of the store: all of the run, or its last ones.</param>
    /// <returns>All lines of both, each once, in order. Lines that only the file has stay where they are.</returns>
    public static IReadOnlyList<string> Merge(IReadOnlyList<string> file, IReadOnlyList<string> stored)
    {
        var places = stored.Select((line, place) => (Key: KeyOf(line), place)).ToLookup(line => line.Key, line => line.place, StringComparer.Ordinal);
        var (merged, next) = (new List<string>(), 0);
        foreach (var line in file)
        {
            var place = places[KeyOf(line)].Where(each => each >= next).DefaultIfEmpty(-1).First();
            if (place >= 0)
            {
                merged.AddRange(stored.Skip(next).Take(place - next));
                next = place + 1;
            }

            merged.Add(line);
        }

        merged.AddRange(stored.Skip(next));
        return merged;
    }

    /// <summary>All but its time: of an older program, the store and the file have different ones.</summary>
    private static string KeyOf(string line) => line.IndexOf(",\"event\":", StringComparison.Ordinal) is > 0 and var start ? line[start..] : line;
}
