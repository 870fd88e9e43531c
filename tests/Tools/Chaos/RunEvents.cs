using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Follows a run's events.jsonl as an outsider would: who the members are, and who was lost.</summary>
internal sealed class RunEvents(string path)
{
    private readonly List<JsonElement> _events = [];
    private long _offset;

    public IReadOnlyList<JsonElement> All => _events;

    public bool IsEnded => _events.Any(each => Name(each) == "run.ended");

    /// <summary>Process ids of the present generation's members by worker, less those that were lost or left since.</summary>
    public Dictionary<string, int> Members()
    {
        var generation = _events.Where(each => Name(each) == "worker.ready").Select(Generation).DefaultIfEmpty(0).Max();
        var members = _events.Where(each => Name(each) == "worker.ready" && Generation(each) == generation)
            .GroupBy(Worker).ToDictionary(each => each.Key, each => Pid(each.Last()));
        foreach (var gone in _events.Where(each => Name(each) is "worker.lost" or "worker.left"))
        {
            members.Remove(Worker(gone));
        }

        return members;
    }

    /// <summary>Reads what was added; a line that is being written waits.</summary>
    public void Read()
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(_offset, SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        var whole = text.LastIndexOf('\n') + 1;
        _offset += System.Text.Encoding.UTF8.GetByteCount(text.AsSpan(0, whole));
        foreach (var line in text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            _events.Add(JsonDocument.Parse(line).RootElement.Clone());
        }
    }

    public static string Name(JsonElement @event) => @event.GetProperty("event").GetString()!;

    public static DateTimeOffset Time(JsonElement @event) => @event.GetProperty("time").GetDateTimeOffset();

    public static long Generation(JsonElement @event) => @event.GetProperty("generation").GetInt64();

    public static int Pid(JsonElement @event) => @event.GetProperty("pid").GetInt32();

    private static string Worker(JsonElement @event) => @event.GetProperty("worker").GetString()!;
}
