using System.CommandLine;
using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;
using Orchestrator.Storage;
using Orchestrator.Storage.Checkpoints;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`submit`: puts a job in a coordinator's queue.</summary>
internal static class SubmitCommand
{
    public static Command Create()
    {
        var options = new JobOptions();
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: the run and where it is, or one JSON object.");
        var command = new Verb("submit", "Puts a job in a coordinator's queue and returns at once. `wait` waits for its end.",
            "submit examples/char-gpt.yaml --workers 2 --coordinator 127.0.0.1:7070");
        options.AddTo(command);
        command.Options.Add(address);
        command.Options.Add(format);
        command.SetAction((result, _) => RunAsync(result, options, result.GetValue(address)!, result.GetValue(format)));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, JobOptions options, string address, OutputFormat format)
    {
        var job = options.Read(result, isOneHost: false);
        var request = new SubmitRequest { JobJson = JobSpecJson.Write(job) };
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

        var reply = await CoordinatorClient.AskAsync(address, client => client.SubmitAsync(request).ResponseAsync);
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
