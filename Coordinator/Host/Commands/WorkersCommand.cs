using System.CommandLine;
using Orchestrator.Core.Jobs;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`workers`: who is attached to a coordinator.</summary>
internal static class WorkersCommand
{
    /// <summary>Of the queue a person wants to see the front; status shows all of it.</summary>
    private const int MostWaiting = 5;

    public static Command Create()
    {
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: a table, one JSON object, or an object a line.");
        var command = new Verb("workers", "Shows the workers that are attached to a coordinator.",
            "workers --format jsonl") { address, format };
        command.SetAction(async (result, _) =>
        {
            var reply = await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.ListWorkersAsync(new ListWorkersRequest()).ResponseAsync);
            Write(reply, result.GetValue(format));
            if (result.GetValue(format) == OutputFormat.Table)
            {
                WriteQueue(await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.StatusAsync(new StatusRequest()).ResponseAsync));
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static string LabelsOf(WorkerStatus worker) =>
        worker.Labels.Count == 0 ? "-" : LabelRule.TextOf(worker.Labels);

    private static string RunOf(WorkerStatus worker) => worker switch
    {
        { IsDrained: true, RunId.Length: > 0 } => $"{worker.RunId} (leaves)",
        { IsDrained: true } => "(drained)",
        _ => worker.RunId.Length == 0 ? "-" : worker.RunId,
    };

    /// <summary>Who waits for these workers, and why.</summary>
    private static void WriteQueue(StatusReply status)
    {
        foreach (var run in status.Runs.Where(run => run.QueuePlace > 0).OrderBy(run => run.QueuePlace).Take(MostWaiting))
        {
            Console.Error.WriteLine($"Run {run.RunId} is number {run.QueuePlace} in the queue. {run.WaitsFor}");
        }
    }

    private static void Write(ListWorkersReply reply, OutputFormat format)
    {
        switch (format)
        {
            case OutputFormat.Json:
                Console.Out.WriteLine(StatusJson.Of(reply.Workers));
                break;
            case OutputFormat.Jsonl:
                reply.Workers.ToList().ForEach(worker => Console.Out.WriteLine(StatusJson.Of(worker)));
                break;
            case OutputFormat.Table when reply.Workers.Count == 0:
                Console.Error.WriteLine("No workers are attached. Start one: ./orchestrator worker --coordinator HOST:PORT");
                break;
            case OutputFormat.Table:
                Table.Write(["WORKER", "PID", "HOST", "DEVICE", "LABELS", "RUN", "LOGICAL RANKS", "STEP"], reply.Workers.Select(worker => new[]
                {
                    worker.WorkerId, $"{worker.Pid}", worker.Host, worker.Device, LabelsOf(worker), RunOf(worker),
                    worker.LogicalRanks.Count == 0 ? "-" : $"{worker.LogicalRanks[0]}-{worker.LogicalRanks[^1]}", $"{worker.Step}",
                }));
                break;
        }
    }
}
