using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Orchestrator.Telemetry.Events;

/// <summary>Appends to a run's <c>events.jsonl</c>: one JSON object a line, each with time, event, generation and step.</summary>
/// <remarks>Kept as <see cref="LineFile"/> keeps lines. One process writes: the owner of the run. Thread-safe.</remarks>
public sealed class EventLog : IDisposable
{
    public const string FileName = "events.jsonl";

    // Milliseconds, always UTC, always of one length: lines sort as text.
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private static readonly JsonWriterOptions LineOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly LineFile _file;
    private readonly TimeProvider _time;

    private EventLog(LineFile file, TimeProvider time)
    {
        _file = file;
        _time = time;
    }

    /// <summary>Opens for appending; makes the file when it is missing, and cuts off a torn last line.</summary>
    /// <exception cref="IOException">The folder is missing or cannot be written.</exception>
    public static EventLog Open(string path, TimeProvider? time = null) => new(LineFile.Open(path), time ?? TimeProvider.System);

    /// <param name="name">Dotted, noun first: <c>worker.lost</c>, <c>checkpoint.saved</c>.</param>
    /// <param name="generation">0: none yet.</param>
    /// <param name="step">Steps applied.</param>
    /// <param name="writeFields">Adds further properties to the line's object; null: none.</param>
    /// <exception cref="IOException">It was not written, and nothing of it is in the file.</exception>
    public void Append(string name, long generation, long step, Action<Utf8JsonWriter>? writeFields = null)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line, LineOptions))
        {
            json.WriteStartObject();
            json.WriteString("time", _time.GetUtcNow().UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));
            json.WriteString("event", name);
            json.WriteNumber("generation", generation);
            json.WriteNumber("step", step);
            writeFields?.Invoke(json);
            json.WriteEndObject();
        }
        line.WriteByte((byte)'\n');
        _file.Append(line.GetBuffer().AsSpan(0, (int)line.Length));
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The events of a log, in order. A torn last line is left out.</summary>
    /// <exception cref="InvalidDataException">A whole line is not an event; the message has its number.</exception>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    public static IEnumerable<LoggedEvent> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        // The end as it is now; what a writer appends meanwhile is for the next reader.
        var end = LineFile.EndOfLastLine(file);
        file.Seek(0, SeekOrigin.Begin);
        using var reader = new StreamReader(file, Encoding.UTF8);
        var number = 0;
        long position = 0;
        while (position < end && reader.ReadLine() is { } line)
        {
            number++;
            position += Encoding.UTF8.GetByteCount(line) + 1;
            yield return LoggedEvent.Parse(path, number, line);
        }
    }
}
