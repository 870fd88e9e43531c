using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Security.Tls;
using Orchestrator.Security.Tokens;
using Orchestrator.Storage.Relational;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`coordinator`: serves workers and commands until it is told to end.</summary>
internal static class CoordinatorCommand
{
    public const int DefaultPort = 7070;
    public const int DefaultHttpPort = 7071;

    /// <summary>In the folder of the runs: what a coordinator knows of them, so that the next one can go on.</summary>
    public const string StoreFile = "store.db";

    public static Command Create(TlsOptions tls)
    {
        var listen = new Option<string>("--listen")
        {
            Description = "For workers and commands (gRPC).", HelpName = "HOST:PORT", DefaultValueFactory = _ => Endpoint.Loopback(DefaultPort).ToString(),
        };
        var http = new Option<string>("--http")
        {
            Description = "For the JSON API (/openapi.json describes it), /metrics, /targets (Prometheus' HTTP discovery) and /healthz.", HelpName = "HOST:PORT",
            DefaultValueFactory = _ => Endpoint.Loopback(DefaultHttpPort).ToString(),
        };
        var insecure = new Option<bool>("--insecure") { Description = "Allow addresses that other machines reach, though nothing is encrypted. Tokens are asked for all the same." };
        var tokens = new Option<string?>("--token-file")
        {
            Description = $"The tokens of its callers, a line for each role; made when it is not there, and read again when it changes. Default: ${TokenPlaces.FileVariable}, else {TokenPlaces.Default}, where this user's commands and workers look, too.",
            HelpName = "FILE",
        };
        var hosts = new Option<string[]>("--host")
        {
            Description = "A name that it is reached by, when that is not in --listen or --http. May be given again; requests for other hosts are refused.", HelpName = "NAME", DefaultValueFactory = _ => [],
        };
        var roots = new Option<string[]>("--root")
        {
            Description = "A folder that submitted jobs may read and write, beside that of the runs. May be given again. Default: every path that the workers can open.", HelpName = "DIR",
            DefaultValueFactory = _ => [],
        };
        var runs = new Option<string>("--runs") { Description = "Where run folders are made.", HelpName = "DIR", DefaultValueFactory = _ => "runs" };
        var store = new Option<string?>("--store")
        {
            Description = $"Where runs are kept: a SQLite file, or a PostgreSQL database that several coordinators share. Default: {StoreFile} in the folder of the runs.",
            HelpName = "FILE|URL",
        };
        var advertise = new Option<string?>("--advertise")
        {
            Description = "The host name or address that other coordinators and workers reach this machine by. Default: that of --listen.", HelpName = "HOST",
        };
        var days = new Option<int>("--keep-history")
        {
            Description = "Days for which the store keeps events and samples of a run that has ended, from 1 on. The run stays listed, and its folder has all of its events.", HelpName = "DAYS",
            DefaultValueFactory = _ => (int)new HistoryBounds().Kept.TotalDays,
        };
        var command = new Verb("coordinator", "Serves workers and commands until it is told to end.",
            "coordinator",
            "coordinator --listen 10.0.0.1:7070 --http 10.0.0.1:7071 --tls-cert certs/coordinator.pem --tls-key certs/coordinator.key --tls-ca certs/ca.pem",
            "coordinator --store 'Host=db;Database=runs;Username=orchestrator'") { listen, http, insecure, runs, store, tokens, hosts, advertise, roots, days };
        command.SetAction(async (result, _) =>
        {
            var (grpcAddress, httpAddress) = (Addresses.Read("--listen", result.GetValue(listen)!), Addresses.Read("--http", result.GetValue(http)!));
            var files = tls.Read(result);
            if (files is null or { Certificate: null })
            {
                RequireLoopback(grpcAddress, httpAddress, result.GetValue(insecure));
            }

            using var loggers = LoggerFactory.Create(logging => Logging.ToStandardError(logging, LogLevel.Information));
            var log = loggers.CreateLogger("coordinator");
            var options = new CoordinatorOptions
            {
                Listen = grpcAddress, Http = httpAddress,
                RunsFolder = Path.GetFullPath(result.GetValue(runs)!),
                History = new HistoryBounds { Kept = ReadDays(result.GetValue(days)) },
                Roots = RootsOf(result.GetValue(roots)!, result.GetValue(runs)!),
                Access = new AccessOptions { Tokens = ReadTokens(result.GetValue(tokens), log), Hosts = [.. result.GetValue(hosts)!, .. result.GetValue(advertise) is { } name ? new[] { name } : []] },
            };
            return await RunAsync(options, files, result.GetValue(store), result.GetValue(advertise), log);
        });
        return command;
    }

    private static JobRoots RootsOf(string[] typed, string runs) =>
        typed.Length == 0 ? JobRoots.Any : new JobRoots([.. typed.Append(runs).Select(folder => Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))]);

    private static TimeSpan ReadDays(int days) => days is >= 1 and <= 36_500 ? TimeSpan.FromDays(days) : throw new UsageException($"--keep-history {days}: a number of days from 1 to 36500 is needed.");

    private static void RequireLoopback(Endpoint listen, Endpoint http, bool isInsecure)
    {
        foreach (var (option, endpoint) in new[] { ("--listen", listen), ("--http", http) })
        {
            if (!endpoint.IsLoopback && !isInsecure)
            {
                throw new UsageException(
                    $"{option} {endpoint} can be reached by other machines, and connections are not encrypted: whoever listens in sees the tokens. "
                    + "Give --tls-cert and --tls-key (./orchestrator certs init makes them). Add --insecure if the network is trusted, or use 127.0.0.1.", ExitCodes.NotAllowed);
            }
        }
    }

    private static async Task<int> RunAsync(CoordinatorOptions options, TlsFiles? tls, string? storeText, string? advertise, ILogger log)
    {
        var signal = new TaskCompletionSource<PosixSignal>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Signalled(context, signal));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Signalled(context, signal));
        options = options with { Tls = ReadTls(tls, log) };
        await using var store = await OpenAsync(options.RunsFolder, storeText);
        Log.TokensAreIn(log, options.Access.Tokens.Path!);
        await using var front = await StartAsync(options);
        var scheme = options.Tls is null ? "" : SecureAddress.Scheme;
        options = options with
        {
            Listen = front.Grpc, Http = front.Http, Front = front, Address = scheme + Advertised(front.Grpc, advertise),
            HttpAddress = front.Http.IsLoopback && !front.Grpc.IsLoopback ? "" : scheme + Advertised(front.Http, advertise),
        };
        Log.Listening(log, ProgramVersion.Text, front.Grpc.ToString(), front.Http.ToString());
        foreach (var endpoint in new[] { front.Grpc, front.Http }.Where(endpoint => options.Tls is null && !endpoint.IsLoopback))
        {
            Log.Insecure(log, endpoint.ToString());
        }

        if (!await CoordinatorTenure.RunAsync(store, options, signal.Task, log))
        {
            Log.Ending(log, "its actor crashed");
            return ExitCodes.Failed;
        }

        Log.Ending(log, $"{await signal.Task}");
        return ExitCodes.Done;
    }

    /// <summary>What others find in the lease: an address that is every address of this machine is none that they could reach.</summary>
    private static string Advertised(Endpoint listening, string? advertise)
    {
        var host = advertise ?? (System.Net.IPAddress.TryParse(listening.Host, out var address) && address.Equals(System.Net.IPAddress.Any) || listening.Host == "::"
            ? System.Net.Dns.GetHostName() : listening.Host);
        return (listening with { Host = host }).ToString();
    }

    private static TlsSource? ReadTls(TlsFiles? files, ILogger log)
    {
        try
        {
            return files switch
            {
                null => null,
                { Certificate: null } => throw new UsageException("--tls-ca is of no use to a coordinator without --tls-cert and --tls-key."),
                _ => new TlsSource(files with { IsClient = false }, text => Log.TlsFiles(log, text), TimeProvider.System),
            };
        }
        catch (IOException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static TokenSource ReadTokens(string? typed, ILogger log)
    {
        try
        {
            return new TokenSource(TokenPlaces.OfCoordinator(typed), text => Log.TokenFile(log, text), TimeProvider.System);
        }
        catch (TokenFileException e)
        {
            throw new UsageException(e.Message, ExitCodes.NotAllowed);
        }
    }

    private static async Task<RelationalStore> OpenAsync(string runsFolder, string? storeText)
    {
        try
        {
            if (storeText is null)
            {
                Directory.CreateDirectory(runsFolder);
            }

            return await RelationalStore.OpenAsync(storeText is null ? StoreAddress.SqliteFile(Path.Combine(runsFolder, StoreFile)) : StoreAddress.Parse(storeText));
        }
        catch (FormatException e)
        {
            throw new UsageException($"--store: {e.Message}");
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException(e.Message, ExitCodes.Failed);
        }
    }

    private static void Signalled(PosixSignalContext context, TaskCompletionSource<PosixSignal> signal)
    {
        context.Cancel = signal.TrySetResult(context.Signal);
    }

    private static async Task<Front> StartAsync(CoordinatorOptions options)
    {
        try
        {
            return await Front.StartAsync(options, logging => Logging.ToStandardError(logging, LogLevel.Information));
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
