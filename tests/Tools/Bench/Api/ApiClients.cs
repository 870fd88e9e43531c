using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;

namespace Orchestrator.Tools.Bench.Api;

/// <summary>Clients of a coordinator's JSON API, all in this process: pollers ask for a run's status in turn, streams follow its events. Each has a connection of its own.</summary>
internal sealed class ApiClients : IDisposable
{
    private readonly SocketsHttpHandler _handler = new() { UseProxy = false };
    private readonly HttpMessageInvoker _http;
    private readonly Uri _status;
    private readonly Uri _events;
    private readonly string _token;
    private readonly ConcurrentQueue<(long At, double Seconds)> _answers = new();
    private long _news;

    /// <param name="http">host:port.</param>
    /// <param name="token">Of a viewer.</param>
    /// <param name="run">Its id.</param>
    public ApiClients(string http, string token, string run)
    {
        _http = new HttpMessageInvoker(_handler);
        (_status, _events, _token) = (new Uri($"http://{http}/api/v1/runs/{run}"), new Uri($"http://{http}/api/v1/runs/{run}/events"), token);
    }

    /// <summary>Events that the streams have had so far.</summary>
    public long News => Interlocked.Read(ref _news);

    /// <summary>Seconds that each status took whose answer came at this timestamp or later.</summary>
    public double[] Answers(long since) => [.. _answers.Where(answer => answer.At >= since).Select(answer => answer.Seconds)];

    /// <summary>Calls until it is cancelled, and lets nothing be under way when it returns.</summary>
    /// <exception cref="ToolException">An answer was an error, or a stream ended.</exception>
    public Task CallAsync(int pollers, int streams, TimeSpan every, CancellationToken cancellation) => Task.WhenAll(
        Enumerable.Range(0, pollers).Select(i => PollAsync(every * ((double)i / pollers), every, cancellation))
            .Concat(Enumerable.Range(0, streams).Select(_ => FollowAsync(cancellation))));

    public void Dispose()
    {
        _http.Dispose();
        _handler.Dispose();
    }

    /// <param name="after">Pollers begin one after the other, so that they do not all ask at once.</param>
    /// <param name="every">From one question to the next.</param>
    /// <param name="cancellation">Ends it.</param>
    private async Task PollAsync(TimeSpan after, TimeSpan every, CancellationToken cancellation)
    {
        try
        {
            await Task.Delay(after, cancellation);
            using var ticks = new PeriodicTimer(every);
            do
            {
                var at = Stopwatch.GetTimestamp();
                using var answer = await SendAsync(_status, cancellation);
                await answer.Content.CopyToAsync(Stream.Null, cancellation);
                _answers.Enqueue((Stopwatch.GetTimestamp(), Stopwatch.GetElapsedTime(at).TotalSeconds));
            }
            while (await ticks.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task FollowAsync(CancellationToken cancellation)
    {
        try
        {
            using var answer = await SendAsync(_events, cancellation);
            await using var body = await answer.Content.ReadAsStreamAsync(cancellation);
            var block = new byte[16 * 1024];
            while (await body.ReadAsync(block, cancellation) is var count and > 0)
            {
                // An event ends with an empty line. One that is cut in two by a block counts as none; they are counted to see that there are any.
                Interlocked.Add(ref _news, block.AsSpan(0, count).Count("\n\n"u8));
            }

            throw new ToolException($"The stream of events at {_events} ended while the run goes on.");
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Uri url, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", _token) } };
        var answer = await _http.SendAsync(request, cancellation);
        return answer.IsSuccessStatusCode ? answer
            : throw new ToolException($"GET {url} was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}");
    }
}
