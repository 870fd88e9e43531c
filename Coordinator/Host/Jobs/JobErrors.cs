using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>One thing that is wrong with a job file.</summary>
/// <param name="Origin">FILE:LINE, or the option that is wrong.</param>
/// <param name="Sentence">What is wrong, with the value, the range and the cure.</param>
public sealed record JobError(string Origin, string Sentence)
{
    public override string ToString() => $"{Origin}: {Sentence}";
}

/// <summary>Collects everything that is wrong with a job file, so that a person sees all of it at once.</summary>
public sealed class JobErrors
{
    /// <summary>More than a person reads at once; a file of another format gives no thousands of lines.</summary>
    public const int MaxErrors = 100;

    private readonly List<JobError> _errors = [];

    public bool IsEmpty => _errors.Count == 0;

    public void Add(string origin, string sentence)
    {
        var error = new JobError(origin, sentence);
        if (_errors.Count < MaxErrors && !_errors.Contains(error))
        {
            _errors.Add(error);
        }
    }

    /// <summary>In the order of the file's lines; what came from options stands last.</summary>
    public ImmutableArray<JobError> Sorted() => [.. _errors.OrderBy(LineOf)];

    private static int LineOf(JobError error)
    {
        var colon = error.Origin.LastIndexOf(':');
        var isLine = !error.Origin.StartsWith("--", StringComparison.Ordinal) && int.TryParse(error.Origin.AsSpan(colon + 1), out _);
        return isLine ? int.Parse(error.Origin.AsSpan(colon + 1), System.Globalization.CultureInfo.InvariantCulture) : int.MaxValue;
    }
}
