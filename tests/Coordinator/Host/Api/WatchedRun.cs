using System.Net;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Tests.Api;

/// <summary>A run that somebody watches from before its first step to its end: what its stream of events has to bring, through whomever it comes.</summary>
internal static class WatchedRun
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Trains three steps. The stream is its lines, then its end; who comes back gets what is left, and who has all of it is told to stop asking.</summary>
    /// <param name="api">Whose stream is read.</param>
    /// <param name="run">Of three steps, submitted.</param>
    /// <param name="worker">Attached, and the only one.</param>
    /// <returns>All that came.</returns>
    public static async Task<List<(string Name, int? Id, string Text)>> ToItsEndAsync(ApiCaller api, SubmitReply run, FakeWorker worker)
    {
        var activate = await worker.GetReadyAsync();

        // Its first events are here before the run goes on: nothing waits for the end.
        using var stream = await api.OpenEventsAsync(run.RunId);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (stream.StatusCode, stream.Content.Headers.ContentType?.MediaType));
        var reading = ApiCaller.ReadEventsAsync(stream);
        await worker.TakeStepsAsync(activate, 3);
        await worker.SaveAsync(new Generation(1), 3);
        await worker.FinishAsync(new Generation(1), 3);
        var events = await reading.WaitAsync(Patience);

        var lines = File.ReadAllLines(Path.Combine(run.RunDir, "events.jsonl"));
        Assert.Equal(lines, TextsOf(events));
        Assert.Equal("end", events[^1].Name);
        using var again = await api.OpenEventsAsync(run.RunId, lastId: lines.Length - 2);
        Assert.Equal(lines[^2..], TextsOf(await ApiCaller.ReadEventsAsync(again).WaitAsync(Patience)));
        using var done = await api.OpenEventsAsync(run.RunId, lastId: lines.Length);
        Assert.Equal(HttpStatusCode.NoContent, done.StatusCode);
        return events;
    }

    private static IEnumerable<string> TextsOf(IEnumerable<(string Name, int? Id, string Text)> events) =>
        events.Where(@event => @event.Name == "message").Select(@event => @event.Text);
}
