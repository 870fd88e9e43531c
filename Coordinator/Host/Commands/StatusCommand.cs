using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`status`: the runs that a coordinator knows, or one of them in full.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        var run = new Argument<string?>("RUN") { Description = "A run id. Default: all runs.", Arity = ArgumentArity.ZeroOrOne };
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: a table, one JSON object, or an object a line.");
        var command = new Verb("status", "Shows the runs that a coordinator knows, or one of them in full.",
            "status",
            "status RUN --format json") { run, address, format };
        command.SetAction(async (result, _) =>
        {
            var request = new StatusRequest();
            if (result.GetValue(run) is { } id)
            {
                request.RunId = id;
            }

            var reply = await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.StatusAsync(request).ResponseAsync);
            Write(reply, request.HasRunId, result.GetValue(format));
            if (reply.Term > 0 && result.GetValue(format) == OutputFormat.Table)
            {
                Console.Error.WriteLine($"The coordinator at {reply.Owner} owns the runs under term {reply.Term}{(reply.PassedOnBy.Length > 0 ? $"; the one at {reply.PassedOnBy} stands by and passed this on" : "")}.");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static void Write(StatusReply reply, bool isOne, OutputFormat format)
    {
        switch (format)
        {
            case OutputFormat.Json:
                Console.Out.WriteLine(isOne ? StatusJson.Of(reply.Runs[0]) : StatusJson.Of(reply));
                break;
            case OutputFormat.Jsonl:
                reply.Runs.ToList().ForEach(run => Console.Out.WriteLine(StatusJson.Of(run)));
                break;
            case OutputFormat.Table when isOne:
                WriteOne(reply.Runs[0]);
                break;
            case OutputFormat.Table when reply.Runs.Count == 0:
                Console.Error.WriteLine("No runs yet. Put one in the queue: ./orchestrator submit JOB.yaml");
                break;
            case OutputFormat.Table:
                Table.Write(["RUN", "STATE", "STEP", "LOSS", "SAMPLES/S", "WORKERS", "QUEUE"], reply.Runs.Select(run => new[]
                {
                    run.RunId, StatusJson.StateOf(run), run.LastStep > 0 ? $"{run.Step}/{run.LastStep}" : "-", Quantities.Loss(run.HasLoss ? run.Loss : null),
                    Quantities.Rate(run.HasSamplesPerSecond ? run.SamplesPerSecond : null), $"{run.Workers}",
                    run.QueuePlace > 0 ? $"{run.QueuePlace}: waits for {run.MissingWorkers} of {run.MinWorkers} workers" : "-",
                }));
                break;
        }
    }

    public static void WriteOne(RunStatus run)
    {
        Row("Run", $"{run.RunId} {StatusJson.StateOf(run)}");
        Row("Reason", run.Reason);
        if (run.QueuePlace > 0)
        {
            Row("Queue", $"place {run.QueuePlace}. {run.WaitsFor}");
        }

        Row("Step", run.LastStep > 0 ? $"{run.Step} of {run.LastStep}" : $"{run.Step}");
        Row("Loss", Quantities.Loss(run.HasLoss ? run.Loss : null));
        Row("Speed", $"{Quantities.Rate(run.HasSamplesPerSecond ? run.SamplesPerSecond : null)} samples/s on {Quantities.Workers(run.Workers)}");
        Row("Run folder", run.RunDir);
        Row("Checkpoint", run.HasCheckpoint ? run.Checkpoint : "none");
        if (run.HasWeightsSha256)
        {
            Row("Weights", $"sha256 {run.WeightsSha256}");
        }
    }

    private static void Row(string name, string value) => Console.Out.WriteLine($"{name,-11} {value}");
}
