namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>Which known key a person probably meant.</summary>
public static class NearestKey
{
    /// <returns>The known key with the fewest typing slips, or null when every one is too far away to be meant.</returns>
    public static string? Find(string typed, IEnumerable<string> known)
    {
        // A third of the letters may be wrong, and two always: 'lr' is not 'layers', 'stpes' is 'steps'.
        var limit = Math.Max(2, typed.Length / 3);
        var lower = typed.ToLowerInvariant();
        return known
            .Select(key => (Key: key, Distance: Distance(lower, key.ToLowerInvariant())))
            .Where(candidate => candidate.Distance <= limit && candidate.Distance < candidate.Key.Length)
            .OrderBy(candidate => candidate.Distance).ThenBy(candidate => Math.Abs(candidate.Key.Length - typed.Length))
            .ThenBy(candidate => candidate.Key, StringComparer.Ordinal)
            .Select(candidate => candidate.Key)
            .FirstOrDefault();
    }

    /// <summary>Insertions, deletions, replacements and swaps of neighbours (optimal string alignment) that turn one into the other.</summary>
    public static int Distance(string from, string to)
    {
        var rows = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }

                var replace = rows[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replace, 1 + Math.Min(rows[i - 1, j], rows[i, j - 1]));
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], 1 + rows[i - 2, j - 2]);
                }
            }
        }

        return rows[from.Length, to.Length];
    }
}
