using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Telemetry.Events;

/// <summary>One line of <c>events.jsonl</c>.</summary>
/// <param name="Fields">The whole object, the four common properties included.</param>
public sealed record LoggedEvent(DateTimeOffset Time, string Name, long Generation, long Step, JsonElement Fields)
{
    internal static LoggedEvent Parse(string path, int number, string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement.Clone();
            return new LoggedEvent(
                DateTimeOffset.Parse(root.GetProperty("time").GetString()!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
                root.GetProperty("event").GetString()!,
                root.GetProperty("generation").GetInt64(),
                root.GetProperty("step").GetInt64(),
                root);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentNullException)
        {
            throw new InvalidDataException(
                $"Line {number} of {path} is not an event: {error.Message.TrimEnd('.')}. Delete the line, or restore the file from a copy.", error);
        }
    }
}
