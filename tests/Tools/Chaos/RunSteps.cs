using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>A run's steps.jsonl, as an outsider reads it.</summary>
internal sealed class RunSteps(string path)
{
    private readonly Lazy<Dictionary<long, DateTimeOffset>> _firsts = new(() => Read(path));

    /// <returns>When the first step of a generation was recorded as committed; null: it committed none.</returns>
    public DateTimeOffset? FirstOf(long generation) => _firsts.Value.TryGetValue(generation, out var time) ? time : null;

    private static Dictionary<long, DateTimeOffset> Read(string path)
    {
        var firsts = new Dictionary<long, DateTimeOffset>();
        foreach (var line in File.Exists(path) ? File.ReadLines(path) : [])
        {
            using var step = JsonDocument.Parse(line);
            firsts.TryAdd(step.RootElement.GetProperty("generation").GetInt64(), step.RootElement.GetProperty("time").GetDateTimeOffset());
        }

        return firsts;
    }
}
