using System.CommandLine;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using Orchestrator.Security;
using Orchestrator.Security.Tokens;
using Orchestrator.Storage;
using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`submit`: puts a job in a coordinator's queue and shows how it goes, until it has ended.</summary>
internal static class SubmitCommand
{
    public static Command Create()
    {
        var options = new JobOptions();
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: a summary, the result as one JSON object, or the events as they come.");
        var command = new Verb("submit", "Puts a job in a coordinator's queue, shows how it goes and ends with its exit code.",
            "submit examples/char-gpt.yaml --workers 2 --coordinator 127.0.0.1:7070",
            "submit examples/char-gpt.yaml --no-wait");
        var detach = new Option<bool>("--detach", "--no-wait") { Description = "Return at once, with the run's id; `wait` waits for its end." };
        var joinToken = new Option<string?>("--join-token")
        {
            Description = $"A new file for a token with which workers may join this run and no other, until it ends; a worker is started with {TokenPlaces.FileVariable}=FILE. The coordinator keeps its hash only.",
            HelpName = "FILE",
        };
        options.AddTo(command);
        command.Options.Add(joinToken);
        command.Options.Add(address);
        command.Options.Add(detach);
        command.Options.Add(format);
        command.SetAction((result, _) => RunAsync(result, options, result.GetValue(address)!, result.GetValue(format), result.GetValue(detach), result.GetValue(joinToken)));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, JobOptions options, string address, OutputFormat format, bool isDetached, string? joinToken)
    {
        var job = options.Read(result, isOneHost: false);
        // Chosen here, so that the job can be sent again when a coordinator breaks off.
        var request = new SubmitRequest { JobJson = JobSpecJson.Write(job), RunId = RunIds.New(job.Name, TimeProvider.System.GetUtcNow()).Value };
        if (options.ReadStopAfter(result) is { } stopAfter)
        {
            request.StopAfter = stopAfter;
        }

        if (result.GetValue(options.Out) is { } folder)
        {
            request.Out = Path.GetFullPath(folder);
        }

        if (result.GetValue(options.Resume) is { } typed)
        {
            request.ResumeFrom = FindCheckpoint(typed);
        }

        if (joinToken is not null)
        {
            request.JoinTokenSha256 = WriteJoinToken(joinToken);
        }

        var reply = await CoordinatorClient.AskAsync(address, client => client.SubmitAsync(request).ResponseAsync);
        return isDetached ? Announce(reply, format) : await AttendAsync(address, reply, job, format);
    }

    /// <summary>Before anything is sent: nobody could join a run whose token is nowhere.</summary>
    /// <returns>Its hash.</returns>
    private static string WriteJoinToken(string path)
    {
        try
        {
            var line = TokenLine.Of(Role.Worker, TokenText.New());
            using var file = OwnerFile.Create(Path.GetFullPath(path));
            file.Write(Encoding.ASCII.GetBytes($"{RoleNames.Of(line.Role)} {line.Token}\n"));
            return Convert.ToHexStringLower(line.Hash);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--join-token {path}: the file cannot be made: {e.Message.TrimEnd('.')}. Name one that is not there yet.");
        }
    }

    private static async Task<int> AttendAsync(string address, SubmitReply reply, JobSpec job, OutputFormat format)
    {
        var screen = Screen.OfProcess(TimeProvider.System);
        var printer = new RemoteRunPrinter(screen, job, TimeProvider.System);
        screen.Line($"Run {reply.RunId} in {reply.RunDir}");
        var (run, exitCode) = await RunFollower.AttendAsync(address, reply.RunId, Show, screen);
        if (run is null)
        {
            return exitCode;
        }

        if (format == OutputFormat.Json)
        {
            Console.Out.WriteLine(RunResultJson.Of(run));
        }
        else if (format == OutputFormat.Table)
        {
            StatusCommand.WriteOne(run);
        }

        Console.Out.Flush();
        if (run.State == RunState.Failed)
        {
            screen.Failure(run.Reason);
        }
        else
        {
            screen.Line(run.Reason);
        }

        return exitCode;

        void Show(RunEvent news)
        {
            printer.Show(news);
            if (format == OutputFormat.Jsonl && news.Json.Length > 0)
            {
                Console.Out.WriteLine(news.Json);
            }
        }
    }

    private static int Announce(SubmitReply reply, OutputFormat format)
    {
        if (format == OutputFormat.Table)
        {
            Console.Out.WriteLine($"Run        {reply.RunId}");
            Console.Out.WriteLine($"Run folder {reply.RunDir}");
            Console.Out.WriteLine();
            Console.Out.WriteLine("Next:");
            Console.Out.WriteLine($"  ./orchestrator wait {reply.RunId}");
            Console.Out.WriteLine($"  ./orchestrator logs {reply.RunId} --follow");
        }
        else
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { runId = reply.RunId, runDir = reply.RunDir }));
        }

        return ExitCodes.Done;
    }

    /// <summary>Here when the path is on this machine too; else it is taken as a path of the workers'.</summary>
    private static string FindCheckpoint(string typed)
    {
        try
        {
            return CheckpointPath.Resolve(typed);
        }
        catch (StorageException) when (!Directory.Exists(typed) && Path.IsPathFullyQualified(typed))
        {
            return typed;
        }
        catch (StorageException e)
        {
            throw new UsageException(e.Message, e.Failure == StorageFailure.NotFound ? ExitCodes.NotFound : ExitCodes.Failed);
        }
    }
}
