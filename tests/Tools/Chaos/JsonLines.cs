using System.Text;
using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Follows a file of JSON lines that another process appends to.</summary>
internal sealed class JsonLines(string path)
{
    private long _offset;

    /// <summary>What was added since the last time; a line that is being written waits. Nothing while the file is not there.</summary>
    public IEnumerable<JsonElement> Read()
    {
        if (!File.Exists(path))
        {
            return [];
        }

        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(_offset, SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        var whole = text.LastIndexOf('\n') + 1;
        _offset += Encoding.UTF8.GetByteCount(text.AsSpan(0, whole));
        return [.. text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    private static JsonElement Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
