using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Core.Messages;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tokens;
using Orchestrator.Storage.Relational;
using WorkerMessage = Orchestrator.Core.Messages.WorkerMessage;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>A coordinator that stands by, over real connections: it passes requests to the owner, once, and sends workers there.</summary>
public sealed class StandbyTests : IAsyncLifetime
{
    private StandbyFixture _fixture = null!;
    private GrpcChannel _channel = null!;

    public async ValueTask InitializeAsync()
    {
        _fixture = await StandbyFixture.StartAsync();
        _channel = GrpcChannel.ForAddress($"http://{_fixture.Front.Grpc}");
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _fixture.DisposeAsync();
    }

    [Fact]
    public async Task Runs_AnotherOwnsThem_EveryCallIsItsAnswer()
    {
        _fixture.SeeOwner();
        await using var worker = await FakeWorker.AttachAsync(_fixture.Owner.Address);
        var client = Client();
        var run = await _fixture.Owner.SubmitAsync("training.steps=20");

        var status = await client.StatusAsync(new StatusRequest { RunId = run.RunId });
        Assert.Equal((run.RunId, _fixture.Front.Grpc.ToString()), (Assert.Single(status.Runs).RunId, status.PassedOnBy));
        Assert.Equal("w-1", Assert.Single((await client.ListWorkersAsync(new ListWorkersRequest())).Workers).WorkerId);
        Assert.Equal(StatusCode.NotFound, (await Assert.ThrowsAsync<RpcException>(async () => await client.StopAsync(new StopRequest { RunId = "x" }))).StatusCode);

        // A stream goes through as it comes, to its end.
        using var watch = client.Watch(new WatchRequest { RunId = run.RunId });
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        await client.StopAsync(new StopRequest { RunId = run.RunId });
        RunStatus? last = null;
        while (await watch.ResponseStream.MoveNext(CancellationToken.None))
        {
            last = watch.ResponseStream.Current.Status;
        }

        Assert.Equal(RunState.Stopped, last!.State);
    }

    [Fact]
    public async Task Runs_NobodyOwnsThem_SaysWhyAndThatNothingWasDone()
    {
        _fixture.Sight.See(null, "The store does not answer.");
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await Client().StatusAsync(new StatusRequest()));
        Assert.Equal(StatusCode.Unavailable, problem.StatusCode);
        Assert.Equal("No coordinator owns the runs just now: The store does not answer. Steps go on meanwhile; ask again in a few seconds.", problem.Status.Detail);
        Assert.Equal(_fixture.Front.Grpc.ToString(), problem.Trailers.GetValue(CallNames.NotTaken));
    }

    [Fact]
    public async Task Runs_TheLeaseHasLapsed_NobodyIsAsked()
    {
        _fixture.See(_fixture.Owner.Address, remaining: TimeSpan.FromMilliseconds(1));
        await Task.Delay(20, TestContext.Current.CancellationToken);
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await Client().StatusAsync(new StatusRequest()));
        Assert.NotNull(problem.Trailers.GetValue(CallNames.NotTaken));
    }

    [Fact]
    public async Task Runs_PassedOnToAStandby_IsNotPassedOnAgain()
    {
        _fixture.SeeOwner();
        var headers = new Metadata { { CallNames.PassedOnBy, "c:1" } };
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await Client().StatusAsync(new StatusRequest(), headers));
        Assert.Equal(StatusCode.Unavailable, problem.StatusCode);
        Assert.Contains("c:1 took", problem.Status.Detail, StringComparison.Ordinal);
        Assert.NotNull(problem.Trailers.GetValue(CallNames.NotTaken));
    }

    [Fact]
    public async Task Runs_TheOwnerIsGone_SaysThatNothingWasDone()
    {
        _fixture.See("127.0.0.1:9");
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await Client().StatusAsync(new StatusRequest()));
        Assert.Equal(StatusCode.Unavailable, problem.StatusCode);
        Assert.Contains("127.0.0.1:9 owns the runs and does not answer", problem.Status.Detail, StringComparison.Ordinal);
        Assert.NotNull(problem.Trailers.GetValue(CallNames.NotTaken));
    }

    [Fact]
    public async Task Runs_AnotherTakesOverUnderACall_TheCallIsBrokenOff()
    {
        _fixture.SeeOwner();
        var run = await _fixture.Owner.SubmitAsync("training.steps=20");
        using var watch = Client().Watch(new WatchRequest { RunId = run.RunId });
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        _fixture.See("127.0.0.1:9", term: 4);
        var problem = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await watch.ResponseStream.MoveNext(CancellationToken.None))
            {
            }
        });
        Assert.Equal(StatusCode.Unavailable, problem.StatusCode);
        Assert.Contains("broke off", problem.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attach_AWorker_IsSentToTheOwner()
    {
        _fixture.SeeOwner();
        var problem = await Assert.ThrowsAsync<RpcException>(() => AttachAsync());
        Assert.Equal((StatusCode.Unavailable, _fixture.Owner.Address), (problem.StatusCode, problem.Trailers.GetValue(CallNames.Owner)));

        _fixture.Sight.See(new Lease("runs", "me", _fixture.Sight.Self, 4, TimeSpan.FromSeconds(2)), "It is mine.");
        problem = await Assert.ThrowsAsync<RpcException>(() => AttachAsync());
        Assert.Equal((StatusCode.Unavailable, null), (problem.StatusCode, problem.Trailers.GetValue(CallNames.Owner)));
        Assert.Contains("taking them over", problem.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_OfAStandby_SaysThatItStandsByAndShowsItsMetrics()
    {
        _fixture.Counts.Refuse(3);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{_fixture.Front.Http}") };
        Assert.Equal("standby\n", await http.GetStringAsync("/healthz", TestContext.Current.CancellationToken));
        Assert.Equal("[]", await http.GetStringAsync("/targets", TestContext.Current.CancellationToken));
        var metrics = await http.GetStringAsync("/metrics", TestContext.Current.CancellationToken);
        Assert.Contains("orchestrator_coordinator_term 0\n", metrics, StringComparison.Ordinal);
        Assert.Contains("orchestrator_coordinator_refusals_total 3\n", metrics, StringComparison.Ordinal);
    }

    /// <summary>Deny by default holds for a standby too: it asks before it passes anything on.</summary>
    [Fact]
    public async Task Runs_WithoutAToken_AreRefusedHere()
    {
        _fixture.See("127.0.0.1:9");
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(async () => await new Runs.RunsClient(_channel).StatusAsync(new StatusRequest()))).StatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () => await Client(Role.Viewer).StopAsync(new StopRequest { RunId = "x" }))).StatusCode);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{_fixture.Front.Http}") };
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await http.GetAsync("/api/v1/runs", TestContext.Current.CancellationToken)).StatusCode);
    }

    private Runs.RunsClient Client(Role role = Role.Admin) => new(_channel.Intercept(TestTokens.Add(role)));

    private async Task AttachAsync()
    {
        using var call = new WorkerControl.WorkerControlClient(_channel.Intercept(TestTokens.Add(Role.Worker))).Attach();
        await call.RequestStream.WriteAsync(Orchestrator.Protocol.Mapping.WorkerMessageMapping.ToWire(new WorkerMessage.Hello(1, "h", "h:1", "", "avx2", "cpu", "", "v")));
        await call.ResponseStream.MoveNext(CancellationToken.None);
    }
}
