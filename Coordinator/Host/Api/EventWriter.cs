using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>Writes server-sent events: each is flushed, so that it is seen when it happens.</summary>
internal sealed class EventWriter(HttpResponse response, CancellationToken cancellation)
{
    /// <param name="id">The line's number in events.jsonl.</param>
    /// <param name="line">Without a newline.</param>
    /// <returns>The id.</returns>
    public async Task<int> LineAsync(int id, string line)
    {
        await WriteAsync(Text(id, line)).ConfigureAwait(false);
        return id;
    }

    /// <param name="lines">From the file's first line on.</param>
    /// <param name="after">The number of the last one that was sent; 0: none.</param>
    /// <returns>The number of the last one that is sent now.</returns>
    public async Task<int> LinesAsync(IReadOnlyList<string> lines, int after)
    {
        for (var index = Math.Min(after, lines.Count); index < lines.Count; index++)
        {
            await response.WriteAsync(Text(index + 1, lines[index]), cancellation).ConfigureAwait(false);
        }

        await response.Body.FlushAsync(cancellation).ConfigureAwait(false);
        return lines.Count;
    }

    public Task EventAsync(string name, string json) => WriteAsync($"event: {name}\ndata: {json}\n\n");

    public Task CommentAsync(string text) => WriteAsync($": {text}\n\n");

    private static string Text(int id, string line) => string.Create(CultureInfo.InvariantCulture, $"id: {id}\ndata: {line}\n\n");

    private async Task WriteAsync(string text)
    {
        await response.WriteAsync(text, cancellation).ConfigureAwait(false);
        await response.Body.FlushAsync(cancellation).ConfigureAwait(false);
    }
}
