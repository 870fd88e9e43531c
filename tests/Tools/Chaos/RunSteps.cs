namespace Orchestrator.Tools.Chaos;

/// <summary>One line of steps.jsonl.</summary>
/// <param name="Time">When the coordinator knew that it was committed.</param>
internal readonly record struct RunStep(DateTimeOffset Time, long Step, long Generation, long Samples, double Seconds);

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
}
