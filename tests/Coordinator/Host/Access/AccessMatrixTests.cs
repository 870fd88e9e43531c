using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

/// <summary>Every route that a running coordinator has, as the owner of the runs and as a standby, with every verb, called by everybody there is.</summary>
public sealed class AccessMatrixTests : IAsyncLifetime
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
        ["DELETE /api/v1/workers/{id}/drain"] = "admin",
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

    /// <summary>All of RFC 9110 and RFC 5789 but CONNECT, which goes to proxies only, and one that nobody has heard of.</summary>
    private static readonly string[] Verbs = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROB"];

    private readonly HttpClient _http = new();
    private StandbyFixture _fixture = null!;

    public async ValueTask InitializeAsync()
    {
        _fixture = await StandbyFixture.StartAsync();
        _fixture.SeeOwner();
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return _fixture.DisposeAsync();
    }

    /// <summary>Who serves, and where.</summary>
    private IEnumerable<(string Name, Host.Server.Endpoint Grpc, Host.Server.Endpoint Http, IEnumerable<Microsoft.AspNetCore.Http.Endpoint> Routes)> Servers =>
    [
        ("owner", _fixture.Owner.Server.Grpc, _fixture.Owner.Server.Http, _fixture.Owner.Server.Routes),
        ("standby", _fixture.Front.Grpc, _fixture.Front.Http, _fixture.Server.Routes),
    ];

    [Fact]
    public void Routes_OfRunningServers_EachHasARuleAndNoRuleIsLeftOver()
    {
        foreach (var (name, _, _, routes) in Servers)
        {
            Assert.All(routes, route => Assert.IsType<RouteEndpoint>(route, exactMatch: false));
            var keys = routes.Cast<RouteEndpoint>().SelectMany(RouteKey.Of).Order(StringComparer.Ordinal).ToList();
            Assert.Equal(RouteRules.All.Keys.Order(StringComparer.Ordinal), keys);
            Assert.True(Expected.Keys.Order(StringComparer.Ordinal).SequenceEqual(keys), $"The {name} serves {string.Join(", ", keys.Except(Expected.Keys))}, which is not in the table.");
        }

        Assert.DoesNotContain(AccessNeed.Nobody, RouteRules.All.Values);
    }

    [Fact]
    public async Task EveryRoute_ByEveryCaller_AnswersAsTheTableSays()
    {
        var wrong = new List<string>();
        foreach (var (place, route, allowed) in Places())
        {
            foreach (var caller in Everyone.Split(' ').Append("stranger"))
            {
                var answer = await CallAsync(place, route, TokenOf(caller));
                var expected = allowed.Split(' ').Contains(caller) || allowed == Everyone ? "let in"
                    : caller is "nobody" or "stranger" ? "unknown"
                    : "refused";
                if (answer != expected)
                {
                    wrong.Add($"{route} at {place} by {caller}: {answer}, expected {expected}");
                }
            }

            foreach (var (what, change) in Forgeries(place))
            {
                var answer = await CallAsync(place, route, TestTokens.Of(Role.Admin), change);
                if (answer != "refused")
                {
                    wrong.Add($"{route} at {place} with {what}: {answer}, expected refused");
                }
            }
        }

        Assert.Empty(wrong);
    }

    /// <summary>What has no rule is shut: a verb of a route that does not take it says nothing to a stranger, and does nothing for an admin.</summary>
    [Fact]
    public async Task EveryRoute_WithAnyOtherVerb_IsShut()
    {
        var wrong = new List<string>();
        foreach (var (place, route, _) in Places())
        {
            var pattern = route.Split(' ')[1];
            foreach (var verb in Verbs.Where(verb => !Expected.ContainsKey($"{verb} {pattern}")))
            {
                var stranger = await SendAsync(place, verb, pattern, null);
                var admin = await SendAsync(place, verb, pattern, TestTokens.Of(Role.Admin));
                var forged = await SendAsync(place, verb, pattern, TestTokens.Of(Role.Admin), request => request.Headers.Add("Origin", "http://evil.example"));
                if ((stranger.StatusCode, forged.StatusCode) != (HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden) || admin.StatusCode != HttpStatusCode.MethodNotAllowed)
                {
                    wrong.Add($"{verb} {pattern} at {place}: {stranger.StatusCode} for a stranger, {admin.StatusCode} for an admin, {forged.StatusCode} from a foreign page");
                }

                if (forged.Headers.Any(header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase)))
                {
                    wrong.Add($"{verb} {pattern} at {place} tells a foreign page what it may do");
                }
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public async Task ARoute_WithoutARule_IsShutForEverybody()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        var options = new Host.Server.CoordinatorOptions
        {
            Listen = Host.Server.Endpoint.Loopback(0), Http = Host.Server.Endpoint.Loopback(0), RunsFolder = "", Access = new AccessOptions { Tokens = TestTokens.Source },
        };
        AccessGate.Guard(app, options, TimeProvider.System);
        app.MapGet("/new", () => "let in");
        app.Map("/any-verb", () => "let in");
        app.MapFallback(() => "let in");
        var place = new Place(Host.Server.Endpoint.Loopback((await Host.Server.Front.StartAsync(app))[0]), IsHttp2: false);

        foreach (var (verb, path) in new[] { ("GET", "/new"), ("GET", "/any-verb"), ("POST", "/any-verb"), ("GET", "/nowhere") })
        {
            using var answer = await SendAsync(place, verb, path, TestTokens.Of(Role.Admin));
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            Assert.Contains($"{verb} {path} has no rule that allows it to anyone.", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AnOwnOrigin_AndLoopbackNames_AreLetIn()
    {
        foreach (var (_, _, http, _) in Servers)
        {
            var place = new Place(http, IsHttp2: false);
            Assert.Equal("let in", await CallAsync(place, "GET /metrics", null, request => request.Headers.Add("Origin", $"http://127.0.0.1:{http.Port}")));
            Assert.Equal("let in", await CallAsync(place, "GET /metrics", null, request => request.Headers.Host = $"localhost:{http.Port}"));
        }
    }

    [Fact]
    public async Task ARefusal_OverHttp_IsAProblemThatSaysWhatToDo()
    {
        foreach (var (_, _, http, _) in Servers)
        {
            using var answer = await _http.PostAsync($"http://{http}/orchestrator.v1.Runs/Status", null);

            Assert.Equal((HttpStatusCode.Unauthorized, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
            var text = await answer.Content.ReadAsStringAsync();
            Assert.Contains("POST /orchestrator.v1.Runs/Status needs the role viewer, and no token came. Send it as 'authorization: Bearer TOKEN'", text, StringComparison.Ordinal);
        }
    }

    /// <summary>gRPC by its own port, the rest by both.</summary>
    private IEnumerable<(Place Place, string Route, string Allowed)> Places() =>
        from server in Servers
        from place in (Place[])[new Place(server.Grpc, IsHttp2: true), new Place(server.Http, IsHttp2: false)]
        from row in Expected
        where place.IsHttp2 || !IsGrpc(row.Key)
        select (place, row.Key, row.Value);

    private static string? TokenOf(string caller) => caller switch
    {
        "nobody" => null,
        "stranger" => TokenText.New(),
        _ => TestTokens.Of(RoleNames.Parse(caller)),
    };

    private static IEnumerable<(string What, Action<HttpRequestMessage> Change)> Forgeries(Place place)
    {
        var port = place.Address.Port;
        yield return ("another Host", request => request.Headers.Host = $"evil.example:{port}");
        yield return ("a Host that begins like loopback", request => request.Headers.Host = $"127.0.0.1.evil.example:{port}");
        yield return ("a foreign Origin", request => request.Headers.Add("Origin", "http://evil.example"));
        yield return ("the null Origin", request => request.Headers.Add("Origin", "null"));
        yield return ("the Origin of another port", request => request.Headers.Add("Origin", "http://127.0.0.1:1"));
    }

    private static bool IsGrpc(string route) => route.Contains("orchestrator.v1", StringComparison.Ordinal) || route.Contains("{grpc", StringComparison.Ordinal);

    /// <returns>"let in", "unknown" (who are you) or "refused" (not you, or not so).</returns>
    private async Task<string> CallAsync(Place place, string route, string? token, Action<HttpRequestMessage>? change = null)
    {
        using var answer = await SendAsync(place, route.Split(' ')[0], route.Split(' ')[1], token, request =>
        {
            if (IsGrpc(route))
            {
                // One empty message.
                request.Content = new ByteArrayContent(new byte[5]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
            }

            change?.Invoke(request);
        });
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

    private async Task<HttpResponseMessage> SendAsync(Place place, string verb, string pattern, string? token, Action<HttpRequestMessage>? change = null)
    {
        var path = pattern.Replace("{grpcService}", "other.Service", StringComparison.Ordinal).Replace("{grpcMethod}", "Other", StringComparison.Ordinal)
            .Replace("{id}", "no-such-run", StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new HttpMethod(verb), $"http://{place.Address}{path}")
        {
            Version = place.IsHttp2 ? HttpVersion.Version20 : HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        change?.Invoke(request);
        var answer = await _http.SendAsync(request);
        await answer.Content.ReadAsByteArrayAsync();
        return answer;
    }

    private sealed record Place(Host.Server.Endpoint Address, bool IsHttp2)
    {
        public override string ToString() => $"{(IsHttp2 ? "the port for gRPC" : "the port for HTTP")} {Address}";
    }
}
