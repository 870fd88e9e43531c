using System.CommandLine;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The verbs' connection to a coordinator; what goes wrong becomes a sentence and an exit code.</summary>
internal static class CoordinatorClient
{
    public const string AddressVariable = "ORCHESTRATOR_ADDRESS";

    public static Option<string> AddressOption() => new("--coordinator")
    {
        Description = $"The coordinator's address, or the folder of a run that ./orchestrator run directs. Default: ${AddressVariable}, else 127.0.0.1:{CoordinatorCommand.DefaultPort}.",
        HelpName = "HOST:PORT|RUNDIR",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(AddressVariable) is { Length: > 0 } named ? named : $"127.0.0.1:{CoordinatorCommand.DefaultPort}",
    };

    /// <param name="address">HOST:PORT as it was typed.</param>
    /// <param name="ask">What is asked.</param>
    /// <exception cref="UsageException">With the reason and the exit code.</exception>
    public static async Task<T> AskAsync<T>(string address, Func<Protocol.V1.Runs.RunsClient, Task<T>> ask)
    {
        var endpoint = Addresses.Read("--coordinator", Find(address));
        var token = FindToken(address, endpoint);
        using var handler = new SocketsHttpHandler
        {
            // What runs within a cluster does not go through a proxy that the environment names for the web.
            UseProxy = false, KeepAlivePingDelay = TimeSpan.FromSeconds(10), KeepAlivePingTimeout = TimeSpan.FromSeconds(20), ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        using var channel = GrpcChannel.ForAddress($"http://{endpoint}", new GrpcChannelOptions { HttpHandler = handler });
        try
        {
            return await ask(new Protocol.V1.Runs.RunsClient(channel.Intercept(headers =>
            {
                if (token is not null)
                {
                    headers.Add(BearerHeader.Name, BearerHeader.Of(token));
                }

                return headers;
            })));
        }
        catch (RpcException e)
        {
            throw Translate(e, endpoint.ToString());
        }
    }

    /// <summary>A run folder stands for the coordinator that directs its run.</summary>
    private static string Find(string typed) => !Directory.Exists(typed) ? typed
        : CoordinatorFile.Read(typed) ?? throw new UsageException(
            $"No run is under way in {typed}: it has no file '{CoordinatorFile.Name}'. Name the coordinator's address, or the folder of a run that trains.", ExitCodes.NoCoordinator);

    /// <summary>A run that `run` directs has tokens of its own, in its folder.</summary>
    private static string? FindToken(string typed, Server.Endpoint endpoint)
    {
        try
        {
            return Directory.Exists(typed) && CoordinatorFile.TokensOf(typed) is { } tokens
                ? TokenPlaces.Choose(TokenFile.Read(tokens), TokenUse.Command)
                : TokenPlaces.Find(TokenUse.Command, endpoint.IsLoopback);
        }
        catch (TokenFileException e)
        {
            throw new UsageException(e.Message, ExitCodes.NotAllowed);
        }
    }

    private static UsageException Translate(RpcException e, string address) => e.StatusCode switch
    {
        StatusCode.Unavailable or StatusCode.Internal when e.StatusCode == StatusCode.Unavailable || e.InnerException is HttpRequestException =>
            new UsageException(
                $"No coordinator answers at {address}. Start one with ./orchestrator coordinator, or name its address with --coordinator HOST:PORT or {AddressVariable}.",
                ExitCodes.NoCoordinator),
        StatusCode.NotFound => new UsageException(e.Status.Detail, ExitCodes.NotFound),
        StatusCode.InvalidArgument => new UsageException(e.Status.Detail, ExitCodes.JobIsWrong),
        StatusCode.FailedPrecondition or StatusCode.ResourceExhausted => new UsageException(e.Status.Detail, ExitCodes.Failed),
        StatusCode.PermissionDenied or StatusCode.Unauthenticated => new UsageException(e.Status.Detail, ExitCodes.NotAllowed),
        _ => new UsageException($"The coordinator at {address} answered {e.StatusCode}: {e.Status.Detail}", ExitCodes.Failed),
    };
}
