using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>What a client that is not ours may send over gRPC: each is answered with what is wrong, and nothing is stored.</summary>
public sealed class GrpcBadInputTests
{
    private static readonly string Job = JobSpecJson.Write(Jobs.JobText.Read(Jobs.JobText.Smallest, []));

    private static readonly (string What, SubmitRequest Request, StatusCode Code, string Sentence)[] Requests =
    [
        ("nothing", new SubmitRequest(), StatusCode.InvalidArgument, "This is not the JSON of a job"),
        ("2 MB", new SubmitRequest { JobJson = new string(' ', 2_000_000) }, StatusCode.InvalidArgument, "The job has more than 1048576 bytes of JSON; a job file has a few thousand."),
        ("10 MB", new SubmitRequest { JobJson = new string(' ', 10_000_000) }, StatusCode.ResourceExhausted, "4194304"),
        ("deep", new SubmitRequest { JobJson = new string('[', 2000) + new string(']', 2000) }, StatusCode.InvalidArgument, "depth"),
        ("a name twice", new SubmitRequest { JobJson = $"{{\"seed\":1,{Job.TrimStart()[1..]}" }, StatusCode.InvalidArgument, "seed"),
        ("a name twice, deep inside", new SubmitRequest { JobJson = With("\"workers\":{\"min\":1,\"min\":2}") }, StatusCode.InvalidArgument, "min"),
        ("half a character", new SubmitRequest { JobJson = With("\"name\":\"\\ud800\"") }, StatusCode.InvalidArgument, "half of a surrogate pair"),
        ("a control character in the name", new SubmitRequest { JobJson = With("\"name\":\"a\\u0007\"") }, StatusCode.InvalidArgument, "name has 2 characters; 1 to 100 printable ones are needed."),
        ("a relative root", new SubmitRequest { JobJson = With("\"projectRoot\":\"here\"") }, StatusCode.InvalidArgument, "projectRoot is 'here'; an absolute path is needed."),
        ("a NUL in a path", new SubmitRequest { JobJson = With("\"data\":{\"kind\":\"text\",\"paths\":[\"a\\u0000b\"]}") }, StatusCode.InvalidArgument, "data.paths[0]"),
        ("negative counts", new SubmitRequest { JobJson = With("\"workers\":{\"min\":-1,\"desired\":-2}") }, StatusCode.InvalidArgument, "workers.min is '-1'"),
        ("a negative step", new SubmitRequest { JobJson = Job, StopAfter = -1 }, StatusCode.InvalidArgument, "stopAfter is -1; a step from 1 on is needed."),
        ("no step", new SubmitRequest { JobJson = Job, StopAfter = 0 }, StatusCode.InvalidArgument, "stopAfter is 0"),
        ("a path as id", new SubmitRequest { JobJson = Job, RunId = "../up" }, StatusCode.InvalidArgument, "'../up' is no run id"),
        ("an empty id", new SubmitRequest { JobJson = Job, RunId = "" }, StatusCode.InvalidArgument, "'' is no run id"),
        ("an id of dots", new SubmitRequest { JobJson = Job, RunId = ".." }, StatusCode.InvalidArgument, "'..' is no run id"),
        ("a long id", new SubmitRequest { JobJson = Job, RunId = new string('a', 81) }, StatusCode.InvalidArgument, "80 at most"),
        ("an empty folder", new SubmitRequest { JobJson = Job, Out = "" }, StatusCode.InvalidArgument, "out is ''; the absolute path of a folder is needed."),
        ("a relative folder", new SubmitRequest { JobJson = Job, Out = "../up" }, StatusCode.InvalidArgument, "out is '../up'; the absolute path of a folder is needed."),
        ("a folder with a NUL", new SubmitRequest { JobJson = Job, Out = "/a\0b" }, StatusCode.InvalidArgument, "the absolute path of a folder is needed."),
        ("a folder below a file", new SubmitRequest { JobJson = Job, Out = "/dev/null/run" }, StatusCode.FailedPrecondition, "The run folder /dev/null/run cannot be written on the coordinator"),
        ("a relative checkpoint", new SubmitRequest { JobJson = Job, ResumeFrom = "run" }, StatusCode.InvalidArgument, "resumeFrom is 'run'; the absolute path of a checkpoint's folder is needed."),
    ];

    [Fact]
    public async Task Submit_ABadRequest_SaysWhatIsWrongAndStoresNothing()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        foreach (var (what, request, code, sentence) in Requests)
        {
            var problem = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.SubmitAsync(request));
            Assert.True((problem.StatusCode, problem.Status.Detail.Contains(sentence, StringComparison.Ordinal)) == (code, true), $"{what}: {problem.StatusCode} {problem.Status.Detail}");
        }

        await ExpectNothingStoredAsync(coordinator);
    }

    /// <summary>Of bytes that are no UTF-8 a reader of protocol buffers makes U+FFFD: a job that nobody wrote was queued.</summary>
    [Fact]
    public async Task Submit_BytesThatAreNoUtf8OrNoMessage_AreRefusedAndStoreNothing()
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        using var channel = GrpcChannel.ForAddress($"http://{coordinator.Address}");
        var bytes = Marshallers.Create(message => message, message => message);
        var method = new Method<byte[], byte[]>(MethodType.Unary, "orchestrator.v1.Runs", "Submit", bytes, bytes);
        var good = new SubmitRequest { JobJson = With("\"name\":\"QQ\"") }.ToByteArray();
        var name = good.AsSpan().IndexOf("QQ"u8);
        byte[] spoiled = [.. good[..name], 0xC3, 0x28, .. good[(name + 2)..]];

        foreach (var message in (byte[][])[spoiled, [0xFF, 0xFF, 0xFF], good[..^3], Encoding.UTF8.GetBytes("{\"job\":{}}")])
        {
            using var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(TestTokens.Add(Role.Admin)([])), message);
            var problem = await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseAsync);
            Assert.True(problem.StatusCode is StatusCode.InvalidArgument or StatusCode.Internal, $"{problem.StatusCode} {problem.Status.Detail}");
            Assert.NotEmpty(problem.Status.Detail);
        }

        await ExpectNothingStoredAsync(coordinator);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public async Task Scale_ToANumberThatIsNone_IsRefused(int desired)
    {
        await using var coordinator = await CoordinatorFixture.StartAsync();
        var run = await coordinator.SubmitAsync();
        var problem = await Assert.ThrowsAsync<RpcException>(async () => await coordinator.Client.ScaleAsync(new ScaleRequest { RunId = run.RunId, Desired = desired }));
        Assert.Equal(StatusCode.FailedPrecondition, problem.StatusCode);
        Assert.Contains($"{desired}", problem.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>The smallest job with this in place of what it has under the same key.</summary>
    private static string With(string pair)
    {
        var job = System.Text.Json.Nodes.JsonNode.Parse(Job)!.AsObject();
        job.Remove(pair[1..pair.IndexOf('"', 1)]);
        return $"{job.ToJsonString()[..^1]},{pair}}}";
    }

    private static async Task ExpectNothingStoredAsync(CoordinatorFixture coordinator)
    {
        Assert.Empty((await coordinator.Client.StatusAsync(new StatusRequest())).Runs);
        Assert.Empty(Directory.EnumerateFileSystemEntries(coordinator.Folder));
    }
}
