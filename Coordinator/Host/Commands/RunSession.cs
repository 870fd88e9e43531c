using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Supervision;
using Orchestrator.Coordinator.Host.Access;
using Orchestrator.Coordinator.Host.Launch;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Coordinator.Host.Server;
using Orchestrator.Security.Tokens;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>One embedded run: a coordinator on loopback, its worker processes, the signals, and what is shown meanwhile.</summary>
internal sealed class RunSession(RunOrder order, string workerProgram, RestartLimits limits, Screen screen, OutputFormat format, TimeProvider time)
{
    /// <summary>Exit code of the first signal that came; 0: none has.</summary>
    private int _signalExitCode;

    /// <summary>Runs to the end. No worker process is left when it returns.</summary>
    public async Task<(RunState Run, int ExitCode)> RunAsync()
    {
        // Known to this process, its workers and the run folder's owner only; they end with the run.
        var tokens = TokenFile.NewLines();
        await using var server = await CoordinatorServer.StartAsync(
            new CoordinatorOptions
            {
                Listen = Endpoint.Loopback(0), Http = Endpoint.Loopback(0), RunsFolder = Path.GetDirectoryName(order.RunDir)!,
                Access = new AccessOptions { Tokens = new TokenSource(tokens) },
            },
            logging => Logging.ToStandardError(logging, LogLevel.Warning), time);
        RunFeed feed;
        try
        {
            feed = await server.Actor.SubmitAsync(order);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The run folder {order.RunDir} cannot be written: {e.Message} Choose another with --out.", ExitCodes.Failed);
        }

        var (linesBefore, news) = feed.Watch(CancellationToken.None);
        if (format == OutputFormat.Jsonl)
        {
            // What the actor wrote between the submission and this watch, on a busy machine.
            foreach (var line in File.ReadLines(Path.Combine(order.RunDir, RunFolder.EventsFile)).Take(linesBefore).Skip(feed.LinesAtStart))
            {
                Console.Out.WriteLine(line);
            }
        }

        screen.Line($"Run {order.Id} in {order.RunDir}; metrics at http://{server.Http}/metrics");
        using var address = WriteAddress(server, tokens);
        using var loggers = LoggerFactory.Create(logging => Logging.ToStandardError(logging, LogLevel.Warning));
        await using (var workers = new WorkerSupervisor(order, server, tokens.First(line => line.Role == Role.Worker).Token!, workerProgram, limits, Say, loggers.CreateLogger("launcher"), time))
        {
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Signalled(context, server, workers, ExitCodes.Interrupted));
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Signalled(context, server, workers, ExitCodes.Terminated));
            await ShowAsync(news, server, workers);
        }

        var run = server.Actor.State.Find(order.Id)!;
        var outcome = (run.Phase as RunPhase.Ended)?.Outcome ?? throw new InvalidOperationException($"Run {order.Id} was left in {run.Phase}.");
        return (run, outcome.Result == RunResult.Stopped && _signalExitCode != 0 ? _signalExitCode : outcome.ExitCode);
    }

    private CoordinatorFile WriteAddress(CoordinatorServer server, IEnumerable<TokenLine> tokens)
    {
        try
        {
            return CoordinatorFile.Write(order.RunDir, server.Grpc.ToString(), tokens);
        }
        catch (TokenFileException e)
        {
            throw new UsageException(e.Message, ExitCodes.Failed);
        }
    }

    private async Task ShowAsync(IAsyncEnumerable<RunNews> news, CoordinatorServer server, WorkerSupervisor workers)
    {
        var printer = new RunPrinter(screen, time);
        // Left alone when the actor crashes: a reader that waits cannot be disposed of.
        var watching = news.GetAsyncEnumerator();
        while (true)
        {
            var next = watching.MoveNextAsync().AsTask();
            if (await Task.WhenAny(next, server.Actor.Completion) != next)
            {
                // The actor ended under a running run: it crashed, and said so in the log.
                await server.Actor.Completion;
                throw new InvalidOperationException($"The coordinator stopped before run {order.Id} ended.");
            }

            if (!await next)
            {
                await watching.DisposeAsync();
                return;
            }

            workers.Hear(watching.Current.Record);
            printer.Show(watching.Current);
            if (format == OutputFormat.Jsonl && watching.Current.Line is { } line)
            {
                Console.Out.WriteLine(line);
            }
        }
    }

    private void Say(SupervisionEffect.Say say)
    {
        if (say.IsBad)
        {
            screen.Warning(say.Sentence);
        }
        else
        {
            screen.Line(say.Sentence);
        }
    }

    private void Signalled(PosixSignalContext context, CoordinatorServer server, WorkerSupervisor workers, int exitCode)
    {
        context.Cancel = true;
        if (Interlocked.CompareExchange(ref _signalExitCode, exitCode, 0) == 0)
        {
            server.Actor.Post(new ClusterEvent.StopRequested(order.Id, $"Stopped by {context.Signal}."));
            screen.Line("Ctrl+C or SIGTERM once more ends it at once, without a checkpoint.");
            return;
        }

        workers.KillAll();
        Environment.Exit(exitCode);
    }
}
