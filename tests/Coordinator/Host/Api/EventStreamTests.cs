using System.Net;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Tests.Api;

public sealed class EventStreamTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Events_OfARunThatGoesOnAndEnds_AreItsLinesThenItsEnd()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync("training.steps=3");
        var events = await WatchedRun.ToItsEndAsync(api, run, worker);

        var messages = events.Where(@event => @event.Name == "message").ToList();
        Assert.Equal(Enumerable.Range(1, messages.Count), messages.Select(message => message.Id!.Value));
        Assert.Contains(events, @event => @event.Name == "status");
        Assert.Equal((await api.GetAsync($"/api/v1/runs/{run.RunId}")).Text, events[^1].Text);
    }

    [Fact]
    public async Task Events_FromTheMiddleOfALiveRun_BeginBehindTheLastThatCame()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync("training.steps=3");
        var activate = await worker.GetReadyAsync();
        await worker.TakeStepsAsync(activate, 2);
        await coordinator.WaitForStepAsync(run.RunId, 2);
        using var stream = await api.OpenEventsAsync(run.RunId, lastId: 2);
        var reading = ApiCaller.ReadEventsAsync(stream);

        await worker.TakeStepsAsync(activate with { StartStep = 2 }, 3);
        await worker.SaveAsync(new Generation(1), 3);
        await worker.FinishAsync(new Generation(1), 3);
        var events = await reading.WaitAsync(Patience);

        Assert.Equal(File.ReadAllLines(Path.Combine(run.RunDir, "events.jsonl"))[2..], events.Where(@event => @event.Name == "message").Select(@event => @event.Text));
    }

    [Fact]
    public async Task Events_TheReaderLeaves_TheStreamEndsAndTheRunGoesOn()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync();
        for (var i = 0; i < 20; i++)
        {
            using var stream = await api.OpenEventsAsync(run.RunId);
            Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        }

        Assert.Equal(RunState.Queued, (await coordinator.Client.StatusAsync(new StatusRequest { RunId = run.RunId })).Runs[0].State);
    }

    [Fact]
    public async Task Events_ALastIdThatIsNone_IsRefused()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var api = new ApiCaller(coordinator);
        var run = await coordinator.SubmitAsync();
        using var stream = await api.OpenEventsAsync(run.RunId, lastId: -5);
        Assert.Equal(HttpStatusCode.BadRequest, stream.StatusCode);
    }
}
