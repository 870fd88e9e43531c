using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Orchestrator.Telemetry.Events;

/// <summary>Appends to a run's <c>events.jsonl</c>: one JSON object a line, each with time, event, generation and step.</summary>
/// <remarks>
/// A line is one write to the file: whoever kills the process tears at most the last line, which readers ignore and the next writer cuts off. It is
/// not fsynced: after a power cut the end may be missing. One process writes: the owner of the run. Thread-safe.
/// </remarks>
public sealed class EventLog : IDisposable
{
    public const string FileName = "events.jsonl";

    // Milliseconds, always UTC, always of one length: lines sort as text.
    private const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    // A tail is searched back in blocks of this size for the last newline.
    private const int BlockBytes = 4096;

    private static readonly JsonWriterOptions LineOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lock _lock = new();
    private readonly FileStream _file;
    private readonly TimeProvider _time;

    private EventLog(FileStream file, TimeProvider time)
    {
        _file = file;
        _time = time;
    }

    /// <summary>Opens for appending; makes the file when it is missing, and cuts off a torn last line.</summary>
    /// <exception cref="IOException">The folder is missing or cannot be written.</exception>
    public static EventLog Open(string path, TimeProvider? time = null)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        try
        {
            file.SetLength(EndOfLastLine(file));
            file.Seek(0, SeekOrigin.End);
            return new EventLog(file, time ?? TimeProvider.System);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <param name="name">Dotted, noun first: <c>worker.lost</c>, <c>checkpoint.saved</c>.</param>
    /// <param name="generation">0: none yet.</param>
    /// <param name="step">Steps applied.</param>
    /// <param name="writeFields">Adds further properties to the line's object; null: none.</param>
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
        lock (_lock)
        {
            _file.Write(line.GetBuffer().AsSpan(0, (int)line.Length));
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>The events of a log, in order. A torn last line is left out.</summary>
    /// <exception cref="InvalidDataException">A whole line is not an event; the message has its number.</exception>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    public static IEnumerable<LoggedEvent> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        // The end as it is now; what a writer appends meanwhile is for the next reader.
        var end = EndOfLastLine(file);
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

    /// <summary>The offset behind the last newline; 0 when there is none.</summary>
    private static long EndOfLastLine(FileStream file)
    {
        var block = new byte[BlockBytes];
        for (var end = file.Length; end > 0;)
        {
            var start = Math.Max(0, end - BlockBytes);
            var span = block.AsSpan(0, (int)(end - start));
            file.Seek(start, SeekOrigin.Begin);
            file.ReadExactly(span);
            if (span.LastIndexOf((byte)'\n') is var index and >= 0)
            {
                return start + index + 1;
            }
            end = start;
        }
        return 0;
    }
}
