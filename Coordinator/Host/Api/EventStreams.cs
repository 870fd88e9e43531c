using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Commands;
using Orchestrator.Coordinator.Host.Runs;

namespace Orchestrator.Coordinator.Host.Api;

/// <summary>A run's events as server-sent events (html.spec.whatwg.org, 9.2), from any line on.</summary>
/// <remarks>
/// A line of events.jsonl is a message whose id is its number in the file, from 1 on; who reconnects with Last-Event-ID gets what follows it. Between
/// the lines stand events "status" with the run as /api/v1/runs/{id} shows it, and at the run's end one event "end"; neither has an id. Who has had all of a
/// run that is over gets 204, at which browsers stop asking.
/// </remarks>
internal sealed class EventStreams(TimeProvider time)
{
    /// <summary>At once; each holds a connection and up to <see cref="RunFeed.MaxBehind"/> news.</summary>
    public const int MaxStreams = 500;

    /// <summary>Silence after which a comment is sent, so that nobody between takes the connection for dead.</summary>
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>All streams of a run are told the same news: its text is written once.</summary>
    private readonly ConditionalWeakTable<RunNews, string> _texts = new();

    private int _open;

    public async Task WriteAsync(HttpContext context, string runDir, RunFeed feed, Func<string> status)
    {
        var last = ReadLastId(context.Request);
        try
        {
            if (Interlocked.Increment(ref _open) > MaxStreams)
            {
                throw new ApiException(StatusCodes.Status503ServiceUnavailable, $"{MaxStreams} streams of events are open, which is the limit. Close some, or ask /api/v1/runs from time to time.");
            }

            await StreamAsync(context, runDir, feed, status, last).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The reader has left.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task StreamAsync(HttpContext context, string runDir, RunFeed feed, Func<string> status, int last)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var (linesBefore, news) = feed.Watch(ending.Token, isPaced: true);
        var watching = news.GetAsyncEnumerator(ending.Token);
        var next = watching.MoveNextAsync().AsTask();
        try
        {
            var past = PastEvents.Read(runDir, linesBefore);
            if (next is { IsCompletedSuccessfully: true, Result: false } && last >= past.Count && last > 0)
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }

            context.Response.ContentType = "text/event-stream";
            context.Response.Headers.CacheControl = "no-store";
            var writer = new EventWriter(context.Response, ending.Token);
            var sent = await writer.LinesAsync(past, last).ConfigureAwait(false);
            await writer.EventAsync("status", status()).ConfigureAwait(false);
            for (; await HasNewsAsync(next, writer, ending.Token).ConfigureAwait(false); next = watching.MoveNextAsync().AsTask())
            {
                if (watching.Current is { Line: { } line, LineCount: var count } && count > last)
                {
                    // A slow reader may have lost lines; the file has them.
                    sent = count == sent + 1
                        ? await writer.LineAsync(count, line).ConfigureAwait(false)
                        : await writer.LinesAsync(PastEvents.Read(runDir, count), Math.Max(sent, last)).ConfigureAwait(false);
                }

                // The place of a run that waits depends on the others; it has few news.
                var isWaiting = watching.Current.State.Phase is RunPhase.Queued;
                await writer.EventAsync("status", isWaiting ? status() : _texts.GetValue(watching.Current, news => StatusJson.Of(news.State.ToWire()))).ConfigureAwait(false);
            }

            await writer.EventAsync("end", status()).ConfigureAwait(false);
        }
        finally
        {
            // A reader that waits cannot be disposed of.
            await ending.CancelAsync().ConfigureAwait(false);
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await watching.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> HasNewsAsync(Task<bool> next, EventWriter writer, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                return await next.WaitAsync(KeepAlive, time, cancellation).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                await writer.CommentAsync("still here").ConfigureAwait(false);
            }
        }
    }

    private static int ReadLastId(HttpRequest request)
    {
        var typed = request.Headers["Last-Event-ID"].ToString();
        return typed.Length == 0 ? 0
            : int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id
            : throw new ApiException(StatusCodes.Status400BadRequest, "Last-Event-ID is not the number of a line; send the id of the last event that came, or none.");
    }
}
