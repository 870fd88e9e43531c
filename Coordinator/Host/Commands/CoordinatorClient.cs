using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Coordinator.Host.Standby;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The verbs' connection to a coordinator; what goes wrong becomes a sentence and an exit code.</summary>
internal static class CoordinatorClient
{
    public const string AddressVariable = "ORCHESTRATOR_ADDRESS";

    /// <summary>Set before a verb is carried out; null: what the environment names.</summary>
    public static TlsFiles? TypedTls { get; set; }

    /// <summary>How long it is asked again while no coordinator owns the runs: a standby takes over within three seconds, on a starved machine later.</summary>
    public static readonly TimeSpan TakeOverWait = TimeSpan.FromSeconds(10);

    /// <summary>Between two rounds.</summary>
    public static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    public static Option<string> AddressOption() => new("--coordinator")
    {
        Description =
            $"Where coordinators listen, separated by commas (any of them will do), with https:// in front where they have TLS, or the folder of a run that ./orchestrator run directs. Default: ${AddressVariable}, else 127.0.0.1:{CoordinatorCommand.DefaultPort}.",
        HelpName = "HOST:PORT,...|RUNDIR",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(AddressVariable) is { Length: > 0 } named ? named : $"127.0.0.1:{CoordinatorCommand.DefaultPort}",
    };

    /// <summary>Asks the first coordinator of the list that answers. While none owns the runs it asks again, for <see cref="TakeOverWait"/> at most.</summary>
    /// <param name="address">HOST:PORT,... as it was typed.</param>
    /// <param name="ask">What is asked; when a coordinator breaks off, it is asked again, so it must be the same to ask twice.</param>
    /// <exception cref="UsageException">With the reason and the exit code.</exception>
    public static async Task<T> AskAsync<T>(string address, Func<Protocol.V1.Runs.RunsClient, Task<T>> ask)
    {
        var endpoints = Find(address);
        var startedAt = Stopwatch.GetTimestamp();
        while (true)
        {
            RpcException? problem = null;
            var isChanging = false;
            foreach (var endpoint in endpoints)
            {
                try
                {
                    return await AskOneAsync(endpoint, FindToken(address, endpoint), ask);
                }
                catch (RpcException e) when (e.StatusCode == StatusCode.Unavailable)
                {
                    // What a coordinator says tells more than that another one is not there.
                    (problem, isChanging) = (problem is null || problem.IsNotConnected() ? e : problem, isChanging || !e.IsNotConnected());
                }
                catch (RpcException e)
                {
                    throw Translate(e, endpoint.ToString());
                }
            }

            if (!isChanging || Stopwatch.GetElapsedTime(startedAt) >= TakeOverWait)
            {
                throw Translate(problem!, string.Join(", ", endpoints.AsEnumerable()));
            }

            await Task.Delay(Between);
        }
    }

    private static async Task<T> AskOneAsync<T>(Endpoint endpoint, string? token, Func<Protocol.V1.Runs.RunsClient, Task<T>> ask)
    {
        using var handler = new SocketsHttpHandler
        {
            // What runs within a cluster does not go through a proxy that the environment names for the web. A frozen coordinator answers no ping.
            UseProxy = false, KeepAlivePingDelay = TimeSpan.FromSeconds(2), KeepAlivePingTimeout = TimeSpan.FromSeconds(3), ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        if (endpoint.IsSecure && ReadTls() is { } security)
        {
            handler.SslOptions = security.Client(endpoint.Host);
        }

        using var channel = GrpcChannel.ForAddress($"{(endpoint.IsSecure ? "https" : "http")}://{endpoint}", new GrpcChannelOptions { HttpHandler = handler });
        return await ask(new Protocol.V1.Runs.RunsClient(channel.Intercept(headers =>
        {
            if (token is not null)
            {
                headers.Add(BearerHeader.Name, BearerHeader.Of(token));
            }

            return headers;
        })));
    }

    /// <summary>A run folder stands for the coordinator that directs its run.</summary>
    private static ImmutableArray<Endpoint> Find(string typed)
    {
        var listed = !Directory.Exists(typed) ? typed
            : CoordinatorFile.Read(typed) ?? throw new UsageException(
                $"No run is under way in {typed}: it has no file '{CoordinatorFile.Name}'. Name the coordinator's address, or the folder of a run that trains.", ExitCodes.NoCoordinator);
        var addresses = listed.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return [.. (addresses.Length == 0 ? [listed] : addresses).Distinct(StringComparer.Ordinal).Select(address =>
            Addresses.Read("--coordinator", SecureAddress.Plain(address)) with { IsSecure = SecureAddress.IsSecure(address) })];
    }

    private static PeerSecurity? ReadTls()
    {
        try
        {
            return TlsFiles.OfClient(TypedTls) is { } files ? PeerSecurity.Load(files) : null;
        }
        catch (IOException e)
        {
            throw new UsageException(e.Message);
        }
    }

    /// <summary>A run that `run` directs has tokens of its own, in its folder.</summary>
    private static string? FindToken(string typed, Endpoint endpoint)
    {
        try
        {
            return Directory.Exists(typed) && CoordinatorFile.TokensOf(typed) is { } tokens
                ? TokenPlaces.Choose(TokenFile.Read(tokens), TokenUse.Command)
                : TokenPlaces.Find(TokenUse.Command, endpoint.IsSecure || endpoint.IsLoopback);
        }
        catch (TokenFileException e)
        {
            throw new UsageException(e.Message, ExitCodes.NotAllowed);
        }
    }

    private static UsageException Translate(RpcException e, string address) => e.StatusCode switch
    {
        // Its own words; what has an exception is the connection's.
        StatusCode.Unavailable when e.Status.DebugException is null && e.Status.Detail.Length > 0 => new UsageException(e.Status.Detail, ExitCodes.NoCoordinator),
        StatusCode.Unavailable or StatusCode.Internal when e.StatusCode == StatusCode.Unavailable || e.InnerException is HttpRequestException =>
            new UsageException(
                $"No coordinator answers at {address}{Why(e)}. Start one with ./orchestrator coordinator, or name its address with --coordinator HOST:PORT or {AddressVariable}.",
                ExitCodes.NoCoordinator),
        StatusCode.NotFound => new UsageException(e.Status.Detail, ExitCodes.NotFound),
        StatusCode.InvalidArgument => new UsageException(e.Status.Detail, ExitCodes.JobIsWrong),
        StatusCode.FailedPrecondition or StatusCode.ResourceExhausted => new UsageException(e.Status.Detail, ExitCodes.Failed),
        StatusCode.PermissionDenied or StatusCode.Unauthenticated => new UsageException(e.Status.Detail, ExitCodes.NotAllowed),
        _ => new UsageException($"The coordinator at {address} answered {e.StatusCode}: {e.Status.Detail}", ExitCodes.Failed),
    };

    /// <summary>What is wrong with a certificate stands below the failure of the call.</summary>
    private static string Why(RpcException failure)
    {
        for (var cause = failure.InnerException ?? failure.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is System.Security.Authentication.AuthenticationException)
            {
                return $" with TLS that both sides take ({(cause.InnerException ?? cause).Message.TrimEnd('.')})";
            }
        }

        return "";
    }
}
