using System.Collections.Immutable;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>The folders that jobs of remote callers may read and write. Compares paths as they are written: a link inside that leads out is the operator's own.</summary>
/// <param name="Folders">Absolute; empty: jobs may name any path.</param>
public sealed record JobRoots(ImmutableArray<string> Folders)
{
    public static JobRoots Any { get; } = new(ImmutableArray<string>.Empty);

    /// <param name="job">Resolved.</param>
    /// <param name="resumeFrom">Its checkpoint; null: none.</param>
    /// <param name="runDir">The folder that was asked for; null: the coordinator chooses.</param>
    /// <returns>A sentence for each path that leads out; empty when the job may be run.</returns>
    public IEnumerable<string> WhyNot(JobSpec job, string? resumeFrom, string? runDir) => Folders.IsEmpty ? [] :
        PathsOf(job).Append(("resumeFrom", resumeFrom)).Append(("out", runDir))
            .Where(named => named.Item2 is { } path && !IsInside(path))
            .Select(named => $"{named.Item1} is '{named.Item2}', which is outside of what this coordinator allows: {string.Join(", ", Folders)}. Use a path there, or have it started with another --root.");

    private static IEnumerable<(string Key, string? Path)> PathsOf(JobSpec job)
    {
        yield return ("task.assembly", job.Task?.Assembly);
        yield return ("checkpoint.dir", job.Checkpoint.Dir);
        switch (job.Data)
        {
            case TextDataSpec text:
                foreach (var pattern in text.Paths)
                {
                    yield return ("data.paths", Path.Combine(job.ProjectRoot, pattern));
                }

                break;
            case IdxDataSpec idx:
                yield return ("data.dir", idx.Dir);
                break;
            case CsvDataSpec csv:
                yield return ("data.path", csv.Path);
                break;
        }
    }

    /// <summary>A step up could lead out from behind a wildcard, so none is taken.</summary>
    private bool IsInside(string path) => Path.IsPathFullyQualified(path) && !PathRule.GoesUp(path)
        && Folders.Any(folder => Path.GetFullPath(path) is var full && (full == folder || PathRule.IsBelow(full, folder)));
}
