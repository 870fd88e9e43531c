using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Follows a run's events.jsonl as an outsider would: who the members are, and who was lost.</summary>
internal sealed class RunEvents(string path)
{
    private readonly List<JsonElement> _events = [];
    private readonly JsonLines _lines = new(path);

    public IReadOnlyList<JsonElement> All => _events;

    public bool IsEnded => _events.Any(each => Name(each) == "run.ended");

    /// <summary>The last that has members; 0: none yet.</summary>
    public long NewestGeneration => _events.Where(each => Name(each) == "worker.ready").Select(Generation).DefaultIfEmpty(0).Max();

    /// <summary>Process ids of the present generation's members by worker, less those that were lost or left since.</summary>
    public Dictionary<string, int> Members()
    {
        var generation = NewestGeneration;
        var members = _events.Where(each => Name(each) == "worker.ready" && Generation(each) == generation)
            .GroupBy(Worker).ToDictionary(each => each.Key, each => Pid(each.Last()));
        foreach (var gone in _events.Where(each => Name(each) is "worker.lost" or "worker.left"))
        {
            members.Remove(Worker(gone));
        }

        return members;
    }

    /// <summary>Reads what was added.</summary>
    public void Read() => _events.AddRange(_lines.Read());

    public static string Name(JsonElement @event) => @event.GetProperty("event").GetString()!;

    public static DateTimeOffset Time(JsonElement @event) => @event.GetProperty("time").GetDateTimeOffset();

    public static long Generation(JsonElement @event) => @event.GetProperty("generation").GetInt64();

    public static int Pid(JsonElement @event) => @event.GetProperty("pid").GetInt32();

    private static string Worker(JsonElement @event) => @event.GetProperty("worker").GetString()!;
}
