using System.Text.Json;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Tests.Access;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Tests.Server;

/// <summary>A coordinator on free loopback ports with a folder for runs, and a client of it.</summary>
internal sealed class CoordinatorFixture : IAsyncDisposable
{
    private readonly GrpcChannel _channel;

    private CoordinatorFixture(CoordinatorServer server, string folder)
    {
        (Server, Folder) = (server, folder);
        _channel = GrpcChannel.ForAddress($"http://{server.Grpc}");
        Client = new Runs.RunsClient(_channel.Intercept(TestTokens.Add(Role.Admin)));
    }

    public CoordinatorServer Server { get; }

    public string Folder { get; }

    public Runs.RunsClient Client { get; }

    public string Address => Server.Grpc.ToString();

    /// <param name="tokens">Null: those of the tests. The admin's is among them.</param>
    public static async Task<CoordinatorFixture> StartAsync(TokenSource? tokens = null)
    {
        var folder = Directory.CreateTempSubdirectory("coordinator-").FullName;
        var options = new CoordinatorOptions
        {
            Listen = Endpoint.Loopback(0), Http = Endpoint.Loopback(0), RunsFolder = folder, Access = new AccessOptions { Tokens = tokens ?? TestTokens.Source }, Waits = new RunWaits { Grace = TimeSpan.FromMilliseconds(50) },
        };
        return new CoordinatorFixture(await CoordinatorServer.StartAsync(options, logging => logging.SetMinimumLevel(LogLevel.None)), folder);
    }

    /// <param name="sets">Values of the job, as --set gives them.</param>
    public async Task<SubmitReply> SubmitAsync(params string[] sets)
    {
        var job = JobText.Read(JobText.Smallest, [.. sets.Select(Host.Jobs.JobOverride.FromSet)]);
        return await Client.SubmitAsync(new SubmitRequest { JobJson = JobSpecJson.Write(job) });
    }

    /// <summary>Follows the run to its end.</summary>
    public async Task<(RunStatus Last, List<JsonElement> Events)> FollowAsync(string run)
    {
        using var call = Client.Watch(new WatchRequest { RunId = run });
        var events = new List<JsonElement>();
        RunStatus? last = null;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            last = call.ResponseStream.Current.Status;
            if (call.ResponseStream.Current.Json.Length > 0)
            {
                events.Add(JsonDocument.Parse(call.ResponseStream.Current.Json).RootElement.Clone());
            }
        }

        return (last!, events);
    }

    /// <summary>Waits until the coordinator has counted this step.</summary>
    public Task WaitForStepAsync(string run, long step) => WaitAsync(run, status => status.Step >= step, $"step {step}");

    /// <summary>Waits until the coordinator has taken another number of workers in: a scale is answered before that.</summary>
    public Task WaitForDesiredAsync(string run, int desired) => WaitAsync(run, status => status.DesiredWorkers == desired, $"{desired} workers were desired");

    /// <summary>Waits until the coordinator knows of a checkpoint.</summary>
    public Task WaitForCheckpointAsync(string run) => WaitAsync(run, status => status.HasCheckpoint, "its first checkpoint");

    private async Task WaitAsync(string run, Func<RunStatus, bool> isThere, string what)
    {
        using var call = Client.Watch(new WatchRequest { RunId = run });
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            if (isThere(call.ResponseStream.Current.Status))
            {
                return;
            }
        }

        throw new InvalidOperationException($"Run {run} ended before {what}.");
    }

    public async Task<string> GetAsync(string path)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync($"http://{Server.Http}{path}");
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await Server.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }
}
