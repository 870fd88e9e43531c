using System.Net;
using Orchestrator.Coordinator.Host.Commands;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tokens;
using CoordinatorMessage = Orchestrator.Core.Messages.CoordinatorMessage;

namespace Orchestrator.Coordinator.Tests.Api;

public sealed class ApiTests
{
    private static string Submission(string more = "", params string[] sets) =>
        $"{{\"job\":{JobSpecJson.Write(JobText.Read(JobText.Smallest, [.. sets.Select(Host.Jobs.JobOverride.FromSet)]))}{more}}}";

    [Fact]
    public async Task ARun_OverHttpFromSubmitToStop_ShowsWhatTheCommandLineShows()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        using var api = new ApiCaller(coordinator, Role.Submitter);

        var submitted = await api.PostAsync("/api/v1/runs", Submission(",\"out\":\"mine\"", "training.steps=200"));
        Assert.Equal(HttpStatusCode.Created, submitted.Status);
        var id = submitted.Json.GetProperty("runId").GetString()!;
        Assert.Equal(Path.Combine(coordinator.Folder, "mine"), submitted.Json.GetProperty("runDir").GetString());
        Assert.Equal($"/api/v1/runs/{id}", submitted.Location?.ToString());

        await worker.TakeStepsAsync(await worker.GetReadyAsync(), 5);
        await coordinator.WaitForStepAsync(id, 5);
        var status = (await coordinator.Client.StatusAsync(new StatusRequest { RunId = id })).Runs[0];
        Assert.Equal(StatusJson.Of(status), (await api.GetAsync($"/api/v1/runs/{id}")).Text);
        Assert.Equal(StatusJson.Of([status]), (await api.GetAsync("/api/v1/runs")).Text);
        Assert.Equal(StatusJson.Of((await coordinator.Client.ListWorkersAsync(new ListWorkersRequest())).Workers), (await api.GetAsync("/api/v1/workers")).Text);

        var steps = (await api.GetAsync($"/api/v1/runs/{id}/steps?last=2")).Json.GetProperty("steps").EnumerateArray().ToList();
        Assert.Equal([4L, 5L], steps.Select(step => step.GetProperty("step").GetInt64()));
        Assert.Equal(File.ReadAllLines(Path.Combine(coordinator.Folder, "mine", "steps.jsonl"))[3..], steps.Select(step => step.GetRawText()));

        var stopped = await api.PostAsync($"/api/v1/runs/{id}/stop");
        Assert.Equal((HttpStatusCode.OK, id), (stopped.Status, stopped.Json.GetProperty("runId").GetString()));
        Assert.Equal("Stopped on request.", (await worker.ExpectAsync<CoordinatorMessage.PrepareEnd>()).Reason);
    }

    [Fact]
    public async Task ScaleAndDrain_OverHttp_DoWhatTheyDoOverGrpc()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync("workers={desired: 2, min: 2, max: 3}");

        var scaled = await api.PostAsync($"/api/v1/runs/{run.RunId}/scale", "{\"desired\":3}");
        Assert.Equal((HttpStatusCode.OK, run.RunId), (scaled.Status, scaled.Json.GetProperty("runId").GetString()));
        await coordinator.WaitForDesiredAsync(run.RunId, 3);
        Assert.Equal(3, (await coordinator.Client.StatusAsync(new StatusRequest { RunId = run.RunId })).Runs[0].DesiredWorkers);
        Assert.Contains("workers.max", (await api.PostAsync($"/api/v1/runs/{run.RunId}/scale", "{\"desired\":4}")).ExpectProblem(HttpStatusCode.Conflict).Detail, StringComparison.Ordinal);
        Assert.Equal("desired is -1; a number of workers from 1 on is needed.",
            (await api.PostAsync($"/api/v1/runs/{run.RunId}/scale", "{\"desired\":-1}")).ExpectProblem(HttpStatusCode.BadRequest).Detail);

        var drained = await api.PostAsync("/api/v1/workers/w-1/drain");
        Assert.Equal((HttpStatusCode.OK, "{\"worker\":\"w-1\",\"runId\":null}"), (drained.Status, drained.Text));
        (await api.PostAsync("/api/v1/workers/w-9/drain")).ExpectProblem(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("GET", "/api/v1/runs/none", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/v1/runs/none/events", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/v1/runs/none/steps", HttpStatusCode.NotFound)]
    [InlineData("POST", "/api/v1/runs/none/stop", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/v2/runs", HttpStatusCode.NotFound)]
    [InlineData("GET", "/", HttpStatusCode.NotFound)]
    [InlineData("POST", "/api/v1/runs", HttpStatusCode.UnsupportedMediaType)]
    public async Task ARequest_ForWhatIsNotThere_IsAProblemWithASentence(string method, string path, HttpStatusCode status)
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);

        var answer = method == "GET" ? await api.GetAsync(path) : await api.PostAsync(path);

        Assert.NotEmpty(answer.ExpectProblem(status).Detail!);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("10001")]
    [InlineData("x")]
    public async Task Steps_AWrongNumber_IsRefusedWithTheRange(string last)
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync();

        Assert.Equal($"last is '{last}'; a number from 1 to 10000 is needed.", (await api.GetAsync($"/api/v1/runs/{run.RunId}/steps?last={last}")).ExpectProblem(HttpStatusCode.BadRequest).Detail);
    }

    [Fact]
    public async Task Steps_OfARunWithout_AreNone()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync();

        Assert.Equal("{\"steps\":[]}", (await api.GetAsync($"/api/v1/runs/{run.RunId}/steps")).Text);
    }
}
