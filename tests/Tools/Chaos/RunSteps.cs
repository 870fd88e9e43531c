namespace Orchestrator.Tools.Chaos;

/// <summary>Follows a run's steps.jsonl, as an outsider reads it.</summary>
internal sealed class RunSteps(string path)
{
    private readonly List<RunStep> _steps = [];
    private readonly JsonLines _lines = new(path);

    /// <summary>Those that were recorded so far.</summary>
    public IReadOnlyList<RunStep> Read()
    {
        foreach (var line in _lines.Read())
        {
            _steps.Add(new RunStep(
                line.GetProperty("time").GetDateTimeOffset(), line.GetProperty("step").GetInt64(), line.GetProperty("generation").GetInt64(),
                line.GetProperty("samples").GetInt64(), line.GetProperty("stepSeconds").GetDouble()));
        }

        return _steps;
    }

    /// <summary>What the slowest member took for each step that was recorded within a time. A coordinator that waits for its disk records late, and holds no step up.</summary>
    /// <exception cref="ToolException">There are fewer than two.</exception>
    public List<double> MemberSecondsWithin(DateTimeOffset from, DateTimeOffset to)
    {
        var seconds = Read().Where(step => step.Time >= from && step.Time <= to).Select(step => step.Seconds).ToList();
        return seconds.Count < 2 ? throw new ToolException($"Only {seconds.Count} steps were taken in {(to - from).TotalSeconds:0.0} s: too few to be timed.") : seconds;
    }

    /// <summary>Seconds from each step to the next that began and ended within a time.</summary>
    /// <exception cref="ToolException">There are fewer than two.</exception>
    public List<double> SecondsWithin(DateTimeOffset from, DateTimeOffset to)
    {
        var times = Read().Where(step => step.Time >= from && step.Time <= to).Select(step => step.Time).ToList();
        return times.Count < 3 ? throw new ToolException($"Only {times.Count} steps were taken in {(to - from).TotalSeconds:0.0} s: too few to be timed.")
            : [.. times.Zip(times.Skip(1), (first, second) => (second - first).TotalSeconds)];
    }
}
