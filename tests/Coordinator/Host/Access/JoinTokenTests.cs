using System.Net;
using Grpc.Core;
using Orchestrator.Coordinator.Tests.Api;
using Orchestrator.Coordinator.Tests.Server;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Access;

/// <summary>A token with which workers may join one run: over real connections.</summary>
public sealed class JoinTokenTests
{
    private static readonly string Job = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest, []));

    [Fact]
    public async Task AWorker_WithTheRunsToken_JoinsItAndIsLetGoWithIt()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var token = TokenText.New();
        var hash = Convert.ToHexStringLower(TokenText.Hash(token));
        using var api = new ApiCaller(coordinator);
        using var stranger = new ApiCaller(coordinator) { Token = token };

        // Nobody's before the run is there.
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("/api/v1/runs")).Status);
        var submitted = await api.PostAsync("/api/v1/runs", $"{{\"job\":{Job},\"joinTokenSha256\":\"{hash}\"}}");
        Assert.Equal(HttpStatusCode.Created, submitted.Status);
        var run = submitted.Json.GetProperty("runId").GetString()!;

        await using var worker = await FakeWorker.AttachAsync(coordinator.Address, token: token);
        var activate = await worker.GetReadyAsync();

        // A worker's role, and nothing above it.
        (await stranger.GetAsync("/api/v1/runs")).ExpectProblem(HttpStatusCode.Forbidden);
        (await stranger.PostAsync($"/api/v1/runs/{run}/stop")).ExpectProblem(HttpStatusCode.Forbidden);
        Assert.DoesNotContain(hash, (await api.GetAsync($"/api/v1/runs/{run}")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(coordinator.Folder, "*", SearchOption.AllDirectories), file => File.ReadAllText(file).Contains(token, StringComparison.Ordinal));

        await worker.TakeStepsAsync(activate, 10);
        await worker.SaveAsync(new Generation(1), 10);
        await worker.FinishAsync(new Generation(1), 10);
        await coordinator.FollowAsync(run);

        // Its stream ends with the run, and its token counts no more.
        await worker.Ended;
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.GetAsync("/api/v1/runs")).Status);
        Assert.Equal(StatusCode.Unauthenticated, (await FakeWorker.OpenWrongAsync(coordinator.Address, null, token)).StatusCode);
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Submit_AHashThatIsNone_IsRefused(string hash)
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.SubmitAsync(new SubmitRequest { JobJson = Job, JoinTokenSha256 = hash }));
        Assert.Equal((StatusCode.InvalidArgument, $"joinTokenSha256 has {hash.Length} characters; the SHA-256 of a token is needed, as 64 hexadecimal digits in lower case."), (problem.StatusCode, problem.Status.Detail));
    }

    [Fact]
    public async Task Submit_TheTokenOfAnotherRun_IsRefusedAndOfTheSameIsNot()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var request = new SubmitRequest { JobJson = Job, RunId = "one", JoinTokenSha256 = new string('a', 64) };
        await coordinator.Client.SubmitAsync(request);
        Assert.Equal("one", (await coordinator.Client.SubmitAsync(request)).RunId);
        request.RunId = "two";
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.SubmitAsync(request));
        Assert.Equal((StatusCode.InvalidArgument, "joinTokenSha256 is that of run one, too; a token is good for one run. Make another."), (problem.StatusCode, problem.Status.Detail));
    }
}
