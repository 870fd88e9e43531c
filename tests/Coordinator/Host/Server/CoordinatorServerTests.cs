using System.Text.Json;
using Grpc.Core;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using CoordinatorMessage = Orchestrator.Core.Messages.CoordinatorMessage;
using RankRange = Orchestrator.Core.Reduction.RankRange;
using WorkerMessage = Orchestrator.Core.Messages.WorkerMessage;

namespace Orchestrator.Coordinator.Tests.Server;

public sealed class CoordinatorServerTests
{
    private static string NameOf(JsonElement @event) => @event.GetProperty("event").GetString()!;

    /// <summary>A caller that lost patience sent its job again while it was still being queued: the first was never answered, and the second was told that its folder is used.</summary>
    [Fact]
    public async Task Submit_TheSameRunSeveralTimesAtOnce_IsOneRunAndAllAreAnswered()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var job = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest, []));
        for (var round = 0; round < 20; round++)
        {
            var request = new SubmitRequest { JobJson = job, RunId = $"run-{round}" };
            var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => coordinator.Client.SubmitAsync(request).ResponseAsync)))
                .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.Equal($"run-{round}", Assert.Single(replies.Distinct()).RunId);
        }

        Assert.Equal(20, (await coordinator.Client.StatusAsync(new StatusRequest())).Runs.Count);
        Assert.All(Directory.GetDirectories(coordinator.Folder, "run-*"), folder => Assert.Single(File.ReadAllLines(Path.Combine(folder, "events.jsonl"))));
    }

    /// <summary>A run that ended made the coordinator forget another that was just being submitted: whoever submitted it waited for ever.</summary>
    [Fact]
    public async Task Submit_WhileAnotherRunEnds_IsAnswered()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var former = (await coordinator.SubmitAsync()).RunId;
        for (var round = 0; round < 200; round++)
        {
            var stop = coordinator.Client.StopAsync(new StopRequest { RunId = former }).ResponseAsync;
            former = (await coordinator.SubmitAsync().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).RunId;
            await stop;
        }
    }

    [Fact]
    public async Task Run_TwoWorkersOverGrpc_SucceedsAndLeavesItsFolder()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var first = await FakeWorker.AttachAsync(coordinator.Address);
        await using var second = await FakeWorker.AttachAsync(coordinator.Address);
        var run = await coordinator.SubmitAsync("workers.desired=2", "training.steps=20");
        var following = coordinator.FollowAsync(run.RunId);

        var activations = await Task.WhenAll(first.GetReadyAsync(), second.GetReadyAsync());
        await Task.WhenAll(first.TakeStepsAsync(activations[0], 20), second.TakeStepsAsync(activations[1], 20));
        await first.SayAsync(new WorkerMessage.Evaluated(new Generation(1), 20, 0.5, 0.9, 100));
        await first.SaveAsync(new Generation(1), 20);
        // Nothing orders the two workers' streams: they end when the coordinator is known to have the first one's news.
        await coordinator.WaitForCheckpointAsync(run.RunId);
        await Task.WhenAll(first.FinishAsync(new Generation(1), 20), second.FinishAsync(new Generation(1), 20));
        var (last, events) = await following;

        Assert.Equal((RunState.Succeeded, 20L, 20L, 2, "w20", 0), (last.State, last.Step, last.LastStep, last.Workers, last.WeightsSha256, last.ExitCode));
        Assert.Equal(Enumerable.Range(11, 10).Average(step => 1.0 / step), last.Loss, 1e-12);
        Assert.Equal(
            [
                "run.queued", "generation.preparing", "generation.formed", "worker.ready", "worker.ready", "evaluated", "checkpoint.saved", "worker.finished",
                "worker.finished", "run.ended",
            ],
            events.Select(NameOf));
        Assert.Equal(File.ReadAllLines(Path.Combine(run.RunDir, "events.jsonl")), events.Select(@event => @event.GetRawText()));
        Assert.All(events, @event => Assert.True(@event.TryGetProperty("time", out _) && @event.TryGetProperty("generation", out _) && @event.TryGetProperty("step", out _)));
        var ready = events.First(@event => NameOf(@event) == "worker.ready");
        Assert.Equal(("w-1", 4711, "here"), (ready.GetProperty("worker").GetString(), ready.GetProperty("pid").GetInt32(), ready.GetProperty("host").GetString()));
        Assert.Equal([0, 1, 2, 3], ready.GetProperty("logicalRanks").EnumerateArray().Select(rank => rank.GetInt32()));
        Assert.Equal(20, File.ReadAllLines(Path.Combine(run.RunDir, "steps.jsonl")).Length);
        Assert.Equal("job", JobSpecJson.Read(File.ReadAllText(Path.Combine(run.RunDir, "job.json"))).Name);
        Assert.Single(Directory.GetFiles(Path.Combine(run.RunDir, "tensorboard"), "events.out.tfevents.*"));
        await first.ExpectAsync<CoordinatorMessage.Release>();
    }

    /// <summary>The answer to a submission was lost with its coordinator: the job is sent again.</summary>
    [Fact]
    public async Task Submit_TheSameIdTwice_IsOneRun()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var request = new SubmitRequest { JobJson = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest)), RunId = "mine-1" };
        var first = await coordinator.Client.SubmitAsync(request);
        var again = await coordinator.Client.SubmitAsync(request);
        Assert.Equal(("mine-1", first.RunDir), (again.RunId, again.RunDir));
        Assert.Equal("mine-1", Assert.Single((await coordinator.Client.StatusAsync(new StatusRequest())).Runs).RunId);
    }

    [Theory]
    [InlineData("../up")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("")]
    public async Task Submit_AnIdThatIsNoName_IsRefused(string id)
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.SubmitAsync(
            new SubmitRequest { JobJson = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest)), RunId = id }));
        Assert.Equal(StatusCode.InvalidArgument, problem.StatusCode);
    }

    [Fact]
    public async Task Run_AWorkerDies_TheOtherIsFencedAndGoesOnInTheNextGeneration()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var first = await FakeWorker.AttachAsync(coordinator.Address);
        var second = await FakeWorker.AttachAsync(coordinator.Address);
        var run = await coordinator.SubmitAsync("workers.desired=2", "training.steps=200");
        var activations = await Task.WhenAll(first.GetReadyAsync(), second.GetReadyAsync());
        await Task.WhenAll(first.TakeStepsAsync(activations[0], 57), second.TakeStepsAsync(activations[1], 57));
        await coordinator.WaitForStepAsync(run.RunId, 57);

        await second.DisposeAsync();
        var fence = await first.ExpectAsync<CoordinatorMessage.Fence>();
        await first.SayAsync(new WorkerMessage.Fenced(fence.Generation, 57, [new RankRange(0, 4)], true));
        var activate = await first.ExpectAsync<CoordinatorMessage.Activate>();
        await first.SayAsync(new WorkerMessage.Entered(activate.Generation, 57));
        await first.TakeStepsAsync(activate, 200, samples: 32);
        await first.SaveAsync(activate.Generation, 200);
        await first.FinishAsync(activate.Generation, 200);
        var (last, events) = await coordinator.FollowAsync(run.RunId);

        Assert.Equal((new Generation(2), "Worker w-2 (pid 4711 on here) was lost at step 57: its stream broke."), (fence.Generation, fence.Reason));
        Assert.Equal((new Generation(2), 57L, 8), (activate.Generation, activate.StartStep, activate.Members[0].RankCount));
        Assert.Equal([new RankRange(0, 8)], activate.Members[0].FirstStepRanks);
        Assert.Equal((RunState.Succeeded, 200L, 2L, 4L, "w200"), (last.State, last.Step, last.Generations, last.LostLogicalRankSteps, last.WeightsSha256));
        var formed = events.Last(@event => NameOf(@event) == "generation.formed");
        Assert.Equal(
            $"{fence.Reason} 1 worker goes on in G2; 4 logical ranks of step 58 are computed again.", formed.GetProperty("reason").GetString());
        Assert.True(formed.GetProperty("secondsSinceLoss").GetDouble() >= 0);
        Assert.Equal((2L, 57L), (formed.GetProperty("generation").GetInt64(), formed.GetProperty("startStep").GetInt64()));
        var lost = events.Single(@event => NameOf(@event) == "worker.lost");
        Assert.Equal(("w-2", 4711, "its stream broke"), (lost.GetProperty("worker").GetString(), lost.GetProperty("pid").GetInt32(), lost.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task Run_StopOnRequest_TheMembersAreAskedToEnd()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        var run = await coordinator.SubmitAsync("training.steps=200");
        var activate = await worker.GetReadyAsync();
        await worker.TakeStepsAsync(activate, 3);

        await coordinator.Client.StopAsync(new StopRequest { RunId = run.RunId });
        Assert.Equal("Stopped on request.", (await worker.ExpectAsync<CoordinatorMessage.PrepareEnd>()).Reason);
        await worker.SaveAsync(new Generation(1), 4);
        await worker.FinishAsync(new Generation(1), 4);
        var (last, _) = await coordinator.FollowAsync(run.RunId);

        Assert.Equal((RunState.Stopped, "Stopped on request. It ended after step 4 of 200."), (last.State, last.Reason));
    }

    [Fact]
    public async Task Run_DesiredNeverComes_StartsWithMinAfterTheGracePeriod()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        await coordinator.SubmitAsync("workers={min: 1, desired: 3}");

        Assert.Single((await worker.GetReadyAsync()).Members);
    }

    [Fact]
    public async Task Targets_WithARun_ListTheWorkersThatServeMetrics()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var busy = await FakeWorker.AttachAsync(coordinator.Address, metrics: "10.0.0.1:9100");
        await using var silent = await FakeWorker.AttachAsync(coordinator.Address, metrics: "");
        var run = await coordinator.SubmitAsync();
        await busy.GetReadyAsync();

        using var targets = JsonDocument.Parse(await coordinator.GetAsync("/targets"));

        var roles = targets.RootElement.EnumerateArray().ToDictionary(
            group => group.GetProperty("targets")[0].GetString()!, group => group.GetProperty("labels"));
        Assert.Equal(["10.0.0.1:9100"], roles.Keys);
        Assert.Equal(("worker", "w-1", run.RunId), (
            roles["10.0.0.1:9100"].GetProperty("role").GetString(), roles["10.0.0.1:9100"].GetProperty("worker").GetString(), roles["10.0.0.1:9100"].GetProperty("run").GetString()));
        Assert.Equal("ok\n", await coordinator.GetAsync("/healthz"));
    }

    [Fact]
    public async Task ListWorkers_WhileTraining_ShowsRunRanksAndSteps()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var worker = await FakeWorker.AttachAsync(coordinator.Address);
        await using var idle = await FakeWorker.AttachAsync(coordinator.Address);
        var run = await coordinator.SubmitAsync("training.logicalRanks=3", "workers.max=1");
        await worker.GetReadyAsync();

        var workers = (await coordinator.Client.ListWorkersAsync(new ListWorkersRequest())).Workers;

        Assert.Equal(["w-1", "w-2"], workers.Select(status => status.WorkerId));
        Assert.Equal((run.RunId, ""), (workers[0].RunId, workers[1].RunId));
        Assert.Equal([0, 1, 2], workers[0].LogicalRanks);
    }

    [Fact]
    public async Task Scale_Down_TheNewestWorkerLeavesOverGrpc()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var first = await FakeWorker.AttachAsync(coordinator.Address);
        await using var second = await FakeWorker.AttachAsync(coordinator.Address);
        var run = await coordinator.SubmitAsync("workers={desired: 2, max: 2}");
        var activations = await Task.WhenAll(first.GetReadyAsync(), second.GetReadyAsync());
        await Task.WhenAll(first.TakeStepsAsync(activations[0], 3), second.TakeStepsAsync(activations[1], 3));
        await coordinator.WaitForStepAsync(run.RunId, 3);

        var scaled = await coordinator.Client.ScaleAsync(new ScaleRequest { RunId = run.RunId, Desired = 1 });
        var change = await first.ExpectAsync<CoordinatorMessage.Switch>();
        await second.SayAsync(new WorkerMessage.Left(change.Generation, 4));
        await first.SayAsync(new WorkerMessage.Entered(change.Generation, 4));
        await second.ExpectAsync<CoordinatorMessage.Release>();

        Assert.Equal(run.RunId, scaled.Status.RunId);
        Assert.Equal([first.Id], change.Members.Select(member => member.Worker));
        var status = (await coordinator.Client.StatusAsync(new StatusRequest { RunId = run.RunId })).Runs[0];
        Assert.Equal((1, 1, 2L), (status.Workers, status.DesiredWorkers, status.Generations));
    }

    [Fact]
    public async Task Scale_AboveMax_IsRefusedWithTheBound()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var run = await coordinator.SubmitAsync("workers={desired: 2, max: 2}");

        var error = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.ScaleAsync(new ScaleRequest { RunId = run.RunId, Desired = 3 }));

        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal($"3 is above workers.max, which is 2 for run {run.RunId}. Ask for 2 or fewer.", error.Status.Detail);
    }

    [Fact]
    public async Task Drain_OneOfTwo_LeavesBehindAStep()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        await using var first = await FakeWorker.AttachAsync(coordinator.Address);
        await using var second = await FakeWorker.AttachAsync(coordinator.Address);
        var run = await coordinator.SubmitAsync("workers={desired: 2, max: 2}");
        var activations = await Task.WhenAll(first.GetReadyAsync(), second.GetReadyAsync());
        await Task.WhenAll(first.TakeStepsAsync(activations[0], 3), second.TakeStepsAsync(activations[1], 3));
        await coordinator.WaitForStepAsync(run.RunId, 3);

        Assert.Equal(run.RunId, (await coordinator.Client.DrainAsync(new DrainRequest { WorkerId = first.Id.Value })).RunId);
        Assert.Equal([second.Id], (await first.ExpectAsync<CoordinatorMessage.Switch>()).Members.Select(member => member.Worker));
        var unknown = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.DrainAsync(new DrainRequest { WorkerId = "w-9" }));
        Assert.Equal((StatusCode.NotFound, "No worker 'w-9' is attached. ./orchestrator workers lists those that are."), (unknown.StatusCode, unknown.Status.Detail));
    }

    [Fact]
    public async Task Attach_OtherVersion_IsRefusedWithTheReason()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();

        var refusal = await FakeWorker.OpenWrongAsync(coordinator.Address, new WorkerMessage.Hello(1, "there", "a:1", "", "avx2", "cpu", "", "0.0.1"));

        Assert.Equal(StatusCode.FailedPrecondition, refusal.StatusCode);
        Assert.Equal($"The worker (pid 1 on there) is version 0.0.1 and the coordinator {Host.ProgramVersion.Text}. Run the same version on every host.", refusal.Status.Detail);
    }

    [Fact]
    public async Task Attach_SomethingElseThanHello_IsRefused()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();

        Assert.Equal(StatusCode.InvalidArgument, (await FakeWorker.OpenWrongAsync(coordinator.Address, new WorkerMessage.Leaving("x"))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, (await FakeWorker.OpenWrongAsync(coordinator.Address, null)).StatusCode);
    }

    [Fact]
    public async Task Submit_WrongJob_GivesEveryMistakeOnItsOwnLine()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.SubmitAsync(new SubmitRequest { JobJson = """{"name":"x","model":{"kind":"mlp"}}""" }));

        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Collection(error.Status.Detail.Split('\n'),
            line => Assert.StartsWith("submitted job: data is missing.", line),
            line => Assert.StartsWith("submitted job: training is missing.", line));
    }

    [Fact]
    public async Task Submit_FolderOfAnotherRun_IsRefused()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var run = await coordinator.SubmitAsync();

        var error = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.SubmitAsync(
            new SubmitRequest { JobJson = File.ReadAllText(Path.Combine(run.RunDir, "job.json")), Out = run.RunDir }));

        Assert.Equal(StatusCode.FailedPrecondition, error.StatusCode);
        Assert.Equal($"{run.RunDir} holds a run already. Choose another folder with --out, or go on with that run: --resume {run.RunDir}", error.Status.Detail);
    }

    [Fact]
    public async Task Status_UnknownRun_IsNotFound()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();

        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.StatusAsync(new StatusRequest { RunId = "nope" }))).StatusCode);
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.StopAsync(new StopRequest { RunId = "nope" }))).StatusCode);
    }

    [Fact]
    public async Task Status_SeveralRuns_NewestFirst()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var (first, second) = (await coordinator.SubmitAsync(), await coordinator.SubmitAsync());

        Assert.Equal([second.RunId, first.RunId], (await coordinator.Client.StatusAsync(new StatusRequest())).Runs.Select(run => run.RunId));
    }

    [Fact]
    public async Task Dispose_WithAttachedWorkers_EndsTheirStreams()
    {
        var coordinator = await CoordinatorFixture.StartAsync();
        var worker = await FakeWorker.AttachAsync(coordinator.Address);

        await coordinator.DisposeAsync();

        await Assert.ThrowsAsync<InvalidOperationException>(() => worker.ExpectAsync<CoordinatorMessage.Prepare>());
        await worker.DisposeAsync();
    }
}
