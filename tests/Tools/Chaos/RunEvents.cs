using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Follows a run's events.jsonl as an outsider would: who the members are, and who was lost.</summary>
internal sealed class RunEvents(string path)
{
    private readonly List<JsonElement> _events = [];
    private readonly Dictionary<string, int> _ready = [];
    private readonly HashSet<string> _gone = [];
    private readonly JsonLines _lines = new(path);

    public IReadOnlyList<JsonElement> All => _events;

    public bool IsEnded { get; private set; }

    /// <summary>The last that has members; 0: none yet.</summary>
    public long NewestGeneration { get; private set; }

    /// <summary>Process ids of the present generation's members by worker, less those that were lost or left since.</summary>
    public Dictionary<string, int> Members() => _ready.Where(member => !_gone.Contains(member.Key)).ToDictionary();

    /// <summary>Reads what was added. It is looked at many times a second, on the processors that the run needs: what was read before is not looked at again.</summary>
    public void Read()
    {
        foreach (var each in _lines.Read())
        {
            _events.Add(each);
            Note(each);
        }
    }

    public static string Name(JsonElement @event) => @event.GetProperty("event").GetString()!;

    public static DateTimeOffset Time(JsonElement @event) => @event.GetProperty("time").GetDateTimeOffset();

    public static long Generation(JsonElement @event) => @event.GetProperty("generation").GetInt64();

    public static int Pid(JsonElement @event) => @event.GetProperty("pid").GetInt32();

    private void Note(JsonElement @event)
    {
        switch (Name(@event))
        {
            case "worker.ready" when Generation(@event) is var generation && generation >= NewestGeneration:
                if (generation > NewestGeneration)
                {
                    NewestGeneration = generation;
                    _ready.Clear();
                }

                _ready[Worker(@event)] = Pid(@event);
                break;
            case "worker.lost" or "worker.left":
                _gone.Add(Worker(@event));
                break;
            case "run.ended":
                IsEnded = true;
                break;
        }
    }

    private static string Worker(JsonElement @event) => @event.GetProperty("worker").GetString()!;
}
