namespace Orchestrator.Training.Data.Files;

/// <summary>Finds the files that a list of globs names, in the same order on every machine.</summary>
public static class FileGlob
{
    private static readonly string[] SkippedFolders = ["bin", "obj", "artifacts", "runs"];

    /// <summary>Matches the patterns, each file once, sorted ordinally by name.</summary>
    /// <remarks>
    /// Build output and run folders (bin, obj, artifacts, runs) and folders whose name begins with a dot are never entered below the
    /// project root, nor below the first wildcard of an absolute pattern.
    /// </remarks>
    /// <param name="patterns">Relative to the project root, or absolute.</param>
    /// <returns>Name: relative to the project root where the file lies under it, else the absolute path; with '/'.</returns>
    /// <exception cref="DataException">A pattern matches nothing; the message names each that does not.</exception>
    public static IReadOnlyList<DataFile> Match(IEnumerable<string> patterns, string projectRoot)
    {
        var root = Path.GetFullPath(projectRoot);
        var found = new SortedDictionary<string, string>(StringComparer.Ordinal);
        List<string> barren = [];
        foreach (var pattern in patterns)
        {
            var before = 0;
            foreach (var path in GlobPattern.Parse(pattern, root).SelectMany(g => g.Files(IsSkipped)))
            {
                before++;
                found[NameOf(path, root)] = path;
            }

            if (before == 0)
            {
                barren.Add(pattern);
            }
        }

        if (barren.Count > 0 || found.Count == 0)
        {
            throw new DataException(Complaint(barren, root));
        }

        return [.. found.Select(f => new DataFile(f.Key, f.Value))];
    }

    internal static bool IsSkipped(string folderName) => folderName.StartsWith('.') || SkippedFolders.Contains(folderName);

    private static string NameOf(string path, string root)
    {
        var relative = Path.GetRelativePath(root, path).Replace('\\', '/');
        return relative.StartsWith("../", StringComparison.Ordinal) ? path.Replace('\\', '/') : relative;
    }

    private static string Complaint(List<string> barren, string root)
    {
        if (barren.Count == 0)
        {
            return "data.paths is empty. Name at least one file or glob, such as README.md or src/**/*.cs.";
        }

        var names = string.Join(", ", barren.Select(p => $"'{p}'"));
        var folder = barren.Find(p => Directory.Exists(Path.Combine(root, p)));
        var cure = folder is null
            ? "Check the spelling (case counts), and that the files are not in bin, obj, artifacts, runs or a folder that begins with a dot: those never match."
            : $"'{folder}' is a folder: write '{folder.TrimEnd('/')}/**' for every file in it.";
        return $"No file matches {names} of data.paths, looked for from {root}. {cure}";
    }
}
