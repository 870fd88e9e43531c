using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Messages;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Api;

/// <summary>What came back over HTTP.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, string? ContentType, string Text, Uri? Location)
{
    /// <summary>Who says that nothing was done; null: nobody.</summary>
    public string? NotTakenBy { get; init; }

    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    public string? Detail => Json.GetProperty("detail").GetString();

    public string[] Errors => Json.TryGetProperty("errors", out var errors) ? [.. errors.EnumerateArray().Select(error => error.GetString()!)] : [];

    /// <summary>It is an error, and shaped as one.</summary>
    public ApiAnswer ExpectProblem(HttpStatusCode status)
    {
        Assert.True((Status, ContentType) == (status, "application/problem+json"), $"{Status} {ContentType}: {Text}\n{status} was expected.");
        Assert.Equal((int)status, Json.GetProperty("status").GetInt32());
        return this;
    }
}

/// <summary>Calls a coordinator's JSON API as a script would.</summary>
internal sealed class ApiCaller(string address, Role role = Role.Admin) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://{address}") };

    public ApiCaller(CoordinatorFixture coordinator, Role role = Role.Admin)
        : this(coordinator.Server.Http.ToString(), role)
    {
    }

    /// <summary>Shown at every call.</summary>
    public string Token { get; init; } = TestTokens.Of(role);

    public Task<ApiAnswer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<ApiAnswer> PostAsync(string path, string? json = null) =>
        PostAsync(path, json is null ? null : Encoding.UTF8.GetBytes(json), "application/json");

    public Task<ApiAnswer> PostAsync(string path, byte[]? body, string contentType)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } };
        }

        return SendAsync(request);
    }

    /// <summary>Opens a stream of server-sent events.</summary>
    public async Task<HttpResponseMessage> OpenEventsAsync(string run, int? lastId = null)
    {
        var request = Authorized(new HttpRequestMessage(HttpMethod.Get, $"/api/v1/runs/{run}/events"));
        if (lastId is { } id)
        {
            request.Headers.Add("Last-Event-ID", $"{id}");
        }

        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>Reads a stream of server-sent events to its end; Id is null where none was sent.</summary>
    public static async Task<List<(string Name, int? Id, string Text)>> ReadEventsAsync(HttpResponseMessage stream)
    {
        var events = new List<(string, int?, string)>();
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync());
        var (name, id, text) = ("message", (int?)null, "");
        while (await reader.ReadLineAsync() is { } line)
        {
            switch (line.Split(": ", 2))
            {
                case [""] when text.Length > 0:
                    events.Add((name, id, text));
                    (name, id, text) = ("message", null, "");
                    break;
                case ["event", var value]:
                    name = value;
                    break;
                case ["id", var value]:
                    id = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture);
                    break;
                case ["data", var value]:
                    text = value;
                    break;
            }
        }

        return events;
    }

    public void Dispose() => _http.Dispose();

    private async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using var answer = await _http.SendAsync(Authorized(request));
        return new ApiAnswer(answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync(), answer.Headers.Location)
        {
            NotTakenBy = answer.Headers.TryGetValues(CallNames.NotTaken, out var refuser) ? refuser.Single() : null,
        };
    }

    private HttpRequestMessage Authorized(HttpRequestMessage request)
    {
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return request;
    }
}
