using System.Net;
using Orchestrator.Coordinator.Tests.Api;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>The JSON API at a coordinator that stands by: the owner answers, by way of it.</summary>
public sealed class PassedApiTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly string Job = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest, [Host.Jobs.JobOverride.FromSet("training.steps=200")]));

    private StandbyFixture _standby = null!;
    private ApiCaller _here = null!;
    private ApiCaller _there = null!;

    public async ValueTask InitializeAsync()
    {
        _standby = await StandbyFixture.StartAsync();
        (_here, _there) = (new ApiCaller(_standby.Http), new ApiCaller(_standby.Owner));
    }

    public ValueTask DisposeAsync()
    {
        _here.Dispose();
        _there.Dispose();
        return _standby.DisposeAsync();
    }

    [Fact]
    public async Task Requests_AnotherOwnsTheRuns_EveryAnswerIsTheOwners()
    {
        _standby.SeeOwner();
        await using var worker = await FakeWorker.AttachAsync(_standby.Owner.Address);

        var submitted = await _here.PostAsync("/api/v1/runs", $"{{\"job\":{Job}}}");
        Assert.Equal(HttpStatusCode.Created, submitted.Status);
        var run = submitted.Json.GetProperty("runId").GetString()!;
        Assert.Equal($"/api/v1/runs/{run}", submitted.Location?.ToString());
        await worker.TakeStepsAsync(await worker.GetReadyAsync(), 12);
        await _standby.Owner.WaitForStepAsync(run, 12);

        foreach (var path in (string[])["/api/v1/runs", $"/api/v1/runs/{run}", $"/api/v1/runs/{run}/steps?last=3", "/api/v1/workers", "/api/v1/runs/unknown", $"/api/v1/runs/{run}/steps?last=x"])
        {
            Assert.Equal(await _there.GetAsync(path), await _here.GetAsync(path));
        }

        (await _here.PostAsync("/api/v1/runs", "{\"job\":{}}")).ExpectProblem(HttpStatusCode.BadRequest);
        (await _here.PostAsync("/api/v1/runs", "job"u8.ToArray(), "text/plain")).ExpectProblem(HttpStatusCode.UnsupportedMediaType);
        (await _here.PostAsync("/api/v1/runs", new string(' ', 10_000_000))).ExpectProblem(HttpStatusCode.RequestEntityTooLarge);
        Assert.Equal(HttpStatusCode.OK, (await _here.PostAsync($"/api/v1/runs/{run}/stop")).Status);
        (await _here.PostAsync("/api/v1/workers/w-9/drain")).ExpectProblem(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Events_OfARunThatGoesOnAndEnds_ComeThroughAsTheyHappen()
    {
        _standby.SeeOwner();
        await using var worker = await FakeWorker.AttachAsync(_standby.Owner.Address);
        var run = await _standby.Owner.SubmitAsync("training.steps=3");
        await WatchedRun.ToItsEndAsync(_here, run, worker);
    }

    [Fact]
    public async Task Events_AnotherTakesOver_TheStreamIsBrokenOffAndNotEnded()
    {
        _standby.SeeOwner();
        var run = await _standby.Owner.SubmitAsync("training.steps=3");
        using var stream = await _here.OpenEventsAsync(run.RunId);
        var reading = ApiCaller.ReadEventsAsync(stream);

        _standby.See("127.0.0.1:9", "127.0.0.1:9", term: 4);

        await Assert.ThrowsAnyAsync<Exception>(() => reading.WaitAsync(Patience));
        Assert.IsNotType<TimeoutException>(reading.Exception?.InnerException);
    }

    [Fact]
    public async Task Requests_NobodyToPassThemTo_SayWhyAndThatNothingWasDone()
    {
        async Task ExpectAsync(string sentence)
        {
            var answer = (await _here.PostAsync("/api/v1/runs", $"{{\"job\":{Job}}}")).ExpectProblem(HttpStatusCode.ServiceUnavailable);
            Assert.Contains(sentence, answer.Detail, StringComparison.Ordinal);
            Assert.Equal(_standby.Front.Grpc.ToString(), answer.NotTakenBy);
        }

        _standby.Sight.See(null, "The store does not answer.");
        await ExpectAsync("No coordinator owns the runs just now: The store does not answer. Steps go on meanwhile; ask again in a few seconds.");
        _standby.See("127.0.0.1:9", "127.0.0.1:9");
        await ExpectAsync("The coordinator at 127.0.0.1:9 owns the runs and does not answer at 127.0.0.1:9.");
        _standby.See("10.0.0.1:7070");
        await ExpectAsync("The coordinator at 10.0.0.1:7070 owns the runs, and serves HTTP where only its own machine reaches it. Start it with --http HOST:PORT that the others reach.");

        // Two that take each other for the owner: the request goes one way only.
        _standby.See("127.0.0.1:9", _standby.Http);
        await ExpectAsync("took");
    }

    [Fact]
    public async Task Requests_OfAPageOfTheStandby_AreLetInByTheOwner()
    {
        _standby.SeeOwner();
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{_standby.Http}/api/v1/runs")
        {
            Headers = { { "Origin", $"http://{_standby.Http}" }, { "Authorization", $"Bearer {Access.TestTokens.Of(Security.Tokens.Role.Viewer)}" }, { "Cookie", "a=b" } },
        };
        using var answer = await http.SendAsync(request);
        Assert.Equal((HttpStatusCode.OK, "{\"runs\":[]}"), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.False(answer.Headers.Contains(CallNames.NotTaken));
    }
}
