using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Routing;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

/// <summary>Every route that a running coordinator has, called by everybody there is.</summary>
public sealed class AccessMatrixTests
{
    private const string Everyone = "nobody viewer submitter admin worker";
    private const string Tokens = "viewer submitter admin worker";
    private const string Viewers = "viewer submitter admin";
    private const string Submitters = "submitter admin";

    /// <summary>Who gets through, written down a second time and by name: a rule that is changed by accident differs from it.</summary>
    private static readonly Dictionary<string, string> Expected = new()
    {
        ["GET /metrics"] = Everyone,
        ["GET /targets"] = Everyone,
        ["GET /healthz"] = Everyone,
        ["GET /openapi.json"] = Everyone,
        ["GET /api/v1/runs"] = Viewers,
        ["GET /api/v1/runs/{id}"] = Viewers,
        ["GET /api/v1/runs/{id}/events"] = Viewers,
        ["GET /api/v1/runs/{id}/steps"] = Viewers,
        ["GET /api/v1/workers"] = Viewers,
        ["POST /api/v1/runs"] = Submitters,
        ["POST /api/v1/runs/{id}/stop"] = Submitters,
        ["POST /api/v1/runs/{id}/scale"] = Submitters,
        ["POST /api/v1/workers/{id}/drain"] = "admin",
        ["POST /orchestrator.v1.WorkerControl/Attach"] = "admin worker",
        ["POST /orchestrator.v1.Runs/Status"] = Viewers,
        ["POST /orchestrator.v1.Runs/Watch"] = Viewers,
        ["POST /orchestrator.v1.Runs/ListWorkers"] = Viewers,
        ["POST /orchestrator.v1.Runs/Submit"] = Submitters,
        ["POST /orchestrator.v1.Runs/Stop"] = Submitters,
        ["POST /orchestrator.v1.Runs/Scale"] = Submitters,
        ["POST /orchestrator.v1.Runs/Drain"] = "admin",
        ["POST /orchestrator.v1.WorkerControl/{grpcMethod}"] = Tokens,
        ["POST /orchestrator.v1.Runs/{grpcMethod}"] = Tokens,
        ["POST /{grpcService}/{grpcMethod}"] = Tokens,
    };

    [Fact]
    public async Task Routes_OfTheRunningServer_EachHasARuleAndNoRuleIsLeftOver()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();

        var routes = coordinator.Server.Routes.ToList();

        Assert.All(routes, route => Assert.IsType<RouteEndpoint>(route, exactMatch: false));
        var keys = routes.Cast<RouteEndpoint>().SelectMany(RouteKey.Of).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(RouteRules.All.Keys.Order(StringComparer.Ordinal), keys);
        Assert.Equal(Expected.Keys.Order(StringComparer.Ordinal), keys);
        Assert.DoesNotContain(AccessNeed.Nobody, RouteRules.All.Values);
    }

    [Fact]
    public async Task EveryRoute_ByEveryCaller_AnswersAsTheTableSays()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var http = new HttpClient();
        var wrong = new List<string>();
        foreach (var (route, allowed) in Expected)
        {
            foreach (var caller in Everyone.Split(' ').Append("stranger"))
            {
                var answer = await CallAsync(http, coordinator, route, TokenOf(caller));
                var expected = allowed.Split(' ').Contains(caller) ? "let in"
                    : allowed == Everyone ? "let in"
                    : caller is "nobody" or "stranger" ? "unknown"
                    : "refused";
                if (answer != expected)
                {
                    wrong.Add($"{route} by {caller}: {answer}, expected {expected}");
                }
            }

            foreach (var (what, change) in Forgeries(coordinator, route))
            {
                var answer = await CallAsync(http, coordinator, route, TestTokens.Of(Role.Admin), change);
                if (answer != "refused")
                {
                    wrong.Add($"{route} with {what}: {answer}, expected refused");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task AnOwnOrigin_AndLoopbackNames_AreLetIn()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var http = new HttpClient();
        var port = coordinator.Server.Http.Port;
        Assert.Equal("let in", await CallAsync(http, coordinator, "GET /metrics", null, request => request.Headers.Add("Origin", $"http://127.0.0.1:{port}")));
        Assert.Equal("let in", await CallAsync(http, coordinator, "GET /metrics", null, request => request.Headers.Host = $"localhost:{port}"));
    }

    [Fact]
    public async Task ARefusal_OverHttp_IsAProblemThatSaysWhatToDo()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var http = new HttpClient();

        using var answer = await http.PostAsync($"http://{coordinator.Server.Http}/orchestrator.v1.Runs/Status", null);

        Assert.Equal((HttpStatusCode.Unauthorized, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("POST /orchestrator.v1.Runs/Status needs the role viewer, and no token came. Send it as 'authorization: Bearer TOKEN'", text, StringComparison.Ordinal);
    }

    private static string? TokenOf(string caller) => caller switch
    {
        "nobody" => null,
        "stranger" => TokenText.New(),
        _ => TestTokens.Of(RoleNames.Parse(caller)),
    };

    private static IEnumerable<(string What, Action<HttpRequestMessage> Change)> Forgeries(CoordinatorFixture coordinator, string route)
    {
        var port = AddressOf(coordinator, route).Port;
        yield return ("another Host", request => request.Headers.Host = $"evil.example:{port}");
        yield return ("a Host that begins like loopback", request => request.Headers.Host = $"127.0.0.1.evil.example:{port}");
        yield return ("a foreign Origin", request => request.Headers.Add("Origin", "http://evil.example"));
        yield return ("the null Origin", request => request.Headers.Add("Origin", "null"));
        yield return ("the Origin of another port", request => request.Headers.Add("Origin", "http://127.0.0.1:1"));
    }

    private static bool IsGrpc(string route) => route.Contains("orchestrator.v1", StringComparison.Ordinal) || route.Contains("{grpc", StringComparison.Ordinal);

    private static Host.Server.Endpoint AddressOf(CoordinatorFixture coordinator, string route) => IsGrpc(route) ? coordinator.Server.Grpc : coordinator.Server.Http;

    /// <returns>"let in", "unknown" (who are you) or "refused" (not you, or not so).</returns>
    private static async Task<string> CallAsync(HttpClient http, CoordinatorFixture coordinator, string route, string? token, Action<HttpRequestMessage>? change = null)
    {
        var (method, pattern) = (route.Split(' ')[0], route.Split(' ')[1]);
        var path = pattern.Replace("{grpcService}", "other.Service", StringComparison.Ordinal).Replace("{grpcMethod}", "Other", StringComparison.Ordinal)
            .Replace("{id}", "no-such-run", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(method), $"http://{AddressOf(coordinator, route)}{path}");
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (IsGrpc(route))
        {
            // One empty message.
            (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
            request.Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
        }

        change?.Invoke(request);
        using var answer = await http.SendAsync(request);
        await answer.Content.ReadAsByteArrayAsync();
        if (!IsGrpc(route))
        {
            return answer.StatusCode switch
            {
                HttpStatusCode.Unauthorized => "unknown",
                HttpStatusCode.Forbidden or HttpStatusCode.MisdirectedRequest => "refused",
                _ => "let in",
            };
        }

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var status = answer.Headers.TryGetValues("grpc-status", out var early) ? early : answer.TrailingHeaders.GetValues("grpc-status");
        return (Grpc.Core.StatusCode)int.Parse(status.Single(), System.Globalization.CultureInfo.InvariantCulture) switch
        {
            Grpc.Core.StatusCode.Unauthenticated => "unknown",
            Grpc.Core.StatusCode.PermissionDenied => "refused",
            _ => "let in",
        };
    }
}
