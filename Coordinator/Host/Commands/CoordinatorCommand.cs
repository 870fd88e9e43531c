using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Server;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`coordinator`: serves workers and commands until it is told to end.</summary>
internal static class CoordinatorCommand
{
    public const int DefaultPort = 7070;
    public const int DefaultHttpPort = 7071;

    public static Command Create()
    {
        var listen = new Option<string>("--listen")
        {
            Description = "For workers and commands (gRPC).", HelpName = "HOST:PORT", DefaultValueFactory = _ => Endpoint.Loopback(DefaultPort).ToString(),
        };
        var http = new Option<string>("--http")
        {
            Description = "For /metrics, /targets (Prometheus' HTTP discovery) and /healthz.", HelpName = "HOST:PORT",
            DefaultValueFactory = _ => Endpoint.Loopback(DefaultHttpPort).ToString(),
        };
        var insecure = new Option<bool>("--insecure") { Description = "Allow addresses that other machines reach, though nothing is encrypted yet." };
        var runs = new Option<string>("--runs") { Description = "Where run folders are made.", HelpName = "DIR", DefaultValueFactory = _ => "runs" };
        var command = new Verb("coordinator", "Serves workers and commands until it is told to end.",
            "coordinator",
            "coordinator --listen 10.0.0.1:7070 --http 10.0.0.1:7071 --insecure") { listen, http, insecure, runs };
        command.SetAction((result, _) => RunAsync(
            Addresses.Read("--listen", result.GetValue(listen)!), Addresses.Read("--http", result.GetValue(http)!), result.GetValue(insecure),
            Path.GetFullPath(result.GetValue(runs)!)));
        return command;
    }

    private static async Task<int> RunAsync(Endpoint listen, Endpoint http, bool isInsecure, string runsFolder)
    {
        foreach (var (option, endpoint) in new[] { ("--listen", listen), ("--http", http) })
        {
            if (!endpoint.IsLoopback && !isInsecure)
            {
                throw new UsageException(
                    $"{option} {endpoint} can be reached by other machines, and connections are neither encrypted nor authenticated yet. "
                    + "Add --insecure if the network is trusted, or use 127.0.0.1.", ExitCodes.NotAllowed);
            }
        }

        await using var server = await StartAsync(new CoordinatorOptions { Listen = listen, Http = http, RunsFolder = runsFolder });
        using var loggers = LoggerFactory.Create(logging => Logging.ToStandardError(logging, LogLevel.Information));
        var log = loggers.CreateLogger("coordinator");
        Log.Listening(log, ProgramVersion.Text, server.Grpc.ToString(), server.Http.ToString());
        foreach (var endpoint in new[] { server.Grpc, server.Http }.Where(endpoint => !endpoint.IsLoopback))
        {
            Log.Insecure(log, endpoint.ToString());
        }

        var signal = new TaskCompletionSource<PosixSignal>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Signalled(context, signal));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Signalled(context, signal));
        await Task.WhenAny(signal.Task, server.Actor.Completion);
        if (!signal.Task.IsCompleted)
        {
            Log.Ending(log, "its actor crashed");
            return ExitCodes.Failed;
        }

        Log.Ending(log, $"{await signal.Task}");
        return ExitCodes.Done;
    }

    private static void Signalled(PosixSignalContext context, TaskCompletionSource<PosixSignal> signal)
    {
        context.Cancel = signal.TrySetResult(context.Signal);
    }

    private static async Task<CoordinatorServer> StartAsync(CoordinatorOptions options)
    {
        try
        {
            return await CoordinatorServer.StartAsync(options, logging => Logging.ToStandardError(logging, LogLevel.Information));
        }
        catch (PortInUseException)
        {
            var taken = Addresses.IsTaken(options.Listen) ? ("--listen", options.Listen) : ("--http", options.Http);
            throw new UsageException(
                $"Port {taken.Item2.Port} of {taken.Item2.Host} is in use by another program, perhaps another coordinator. "
                + $"Choose another with {taken.Item1} {taken.Item2.Host}:PORT, or end that program (ss -ltnp shows it).", ExitCodes.Failed);
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message);
        }
        catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
        {
            throw new UsageException($"The coordinator cannot listen on {options.Listen} and {options.Http}: {e.Message} Choose an address of this machine.", ExitCodes.Failed);
        }
    }
}
