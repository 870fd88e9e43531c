namespace Orchestrator.Training.Data.Files;

/// <summary>One glob: <c>*</c> and <c>?</c> within a name, <c>**</c> for any number of folders, <c>{a,b}</c> for alternatives.</summary>
/// <remarks>Case counts. A name that begins with a dot is matched only by a pattern segment that begins with a dot, as in a shell.</remarks>
internal sealed class GlobPattern
{
    private readonly string[] _segments;

    private GlobPattern(string root, string[] segments)
    {
        Root = root;
        _segments = segments;
    }

    /// <summary>Absolute folder from which the segments start: as deep as the pattern names folders literally when it is absolute.</summary>
    public string Root { get; }

    /// <summary>Parses a pattern; alternatives in braces give several.</summary>
    /// <param name="projectRoot">Where relative patterns start.</param>
    public static IEnumerable<GlobPattern> Parse(string pattern, string projectRoot)
    {
        foreach (var plain in ExpandBraces(pattern.Replace('\\', '/')))
        {
            if (!Path.IsPathRooted(plain))
            {
                yield return new GlobPattern(Path.GetFullPath(projectRoot), Normalise(plain));
                continue;
            }

            var segments = Normalise(plain);
            var literal = segments.TakeWhile((s, i) => i < segments.Length - 1 && !IsWild(s)).Count();
            yield return new GlobPattern("/" + string.Join('/', segments[..literal]), segments[literal..]);
        }
    }

    /// <summary>Names the files that match, absolute, in no particular order, each perhaps more than once.</summary>
    /// <param name="isFolderSkipped">Folders (by name, below the root) that are never entered.</param>
    public IEnumerable<string> Files(Func<string, bool> isFolderSkipped) => Walk(Root, 0, isFolderSkipped);

    private IEnumerable<string> Walk(string folder, int at, Func<string, bool> isFolderSkipped)
    {
        var segment = _segments[at];
        var isLast = at == _segments.Length - 1;
        if (segment == "..")
        {
            return isLast ? [] : Walk(Path.GetDirectoryName(folder) ?? folder, at + 1, isFolderSkipped);
        }

        if (!Directory.Exists(folder))
        {
            return [];
        }

        if (segment == "**")
        {
            var here = isLast ? Names(folder, "*", files: true) : Walk(folder, at + 1, isFolderSkipped);
            return here.Concat(Folders(folder, "*", isFolderSkipped).SelectMany(f => Walk(f, at, isFolderSkipped)));
        }

        return isLast ? Names(folder, segment, files: true) : Folders(folder, segment, isFolderSkipped).SelectMany(f => Walk(f, at + 1, isFolderSkipped));
    }

    private static IEnumerable<string> Folders(string folder, string segment, Func<string, bool> isFolderSkipped) =>
        Names(folder, segment, files: false).Where(f => !isFolderSkipped(Path.GetFileName(f)));

    private static IEnumerable<string> Names(string folder, string segment, bool files)
    {
        var names = files ? Directory.EnumerateFiles(folder) : Directory.EnumerateDirectories(folder).Where(IsNoLink);
        return names.Where(path => Matches(Path.GetFileName(path), segment));
    }

    // A link to a folder may lead back up: links to folders are not followed, links to files are read.
    private static bool IsNoLink(string folder) => (File.GetAttributes(folder) & FileAttributes.ReparsePoint) == 0;

    internal static bool Matches(ReadOnlySpan<char> name, ReadOnlySpan<char> segment)
    {
        if (name.StartsWith(".") && !segment.StartsWith("."))
        {
            return false;
        }

        // Greedy matching with one point to come back to: linear in practice, quadratic at worst.
        int n = 0, s = 0, starAt = -1, resumeAt = 0;
        while (n < name.Length)
        {
            if (s < segment.Length && (segment[s] == '?' || (segment[s] != '*' && segment[s] == name[n])))
            {
                n++;
                s++;
            }
            else if (s < segment.Length && segment[s] == '*')
            {
                (starAt, resumeAt) = (s++, n);
            }
            else if (starAt >= 0)
            {
                (s, n) = (starAt + 1, ++resumeAt);
            }
            else
            {
                return false;
            }
        }

        return segment[s..].IndexOfAnyExcept('*') < 0;
    }

    private static bool IsWild(string segment) => segment.AsSpan().ContainsAny('*', '?');

    private static string[] Normalise(string pattern)
    {
        var segments = pattern.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(s => s != ".").ToArray();
        return segments.Length == 0 ? ["**"] : segments;
    }

    private static IEnumerable<string> ExpandBraces(string pattern)
    {
        var open = pattern.IndexOf('{', StringComparison.Ordinal);
        var close = open < 0 ? -1 : pattern.IndexOf('}', open);
        if (close < 0)
        {
            return [pattern];
        }

        return pattern[(open + 1)..close].Split(',').SelectMany(choice => ExpandBraces(pattern[..open] + choice + pattern[(close + 1)..]));
    }
}
