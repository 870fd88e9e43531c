using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`drain`: takes a worker out of its run behind a step, so that its host can be used for something else.</summary>
internal static class DrainCommand
{
    public static Command Create()
    {
        var worker = new Argument<string>("WORKER") { Description = "A worker id, as workers shows it." };
        var address = CoordinatorClient.AddressOption();
        var command = new Verb("drain", "Takes a worker out of its run behind a step. Nothing is lost, and it gets no other run. `run` starts another in its place.",
            "drain w-2",
            "drain w-2 --coordinator runs/latest") { worker, address };
        command.SetAction(async (result, _) =>
        {
            var request = new DrainRequest { WorkerId = result.GetValue(worker)! };
            var reply = await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.DrainAsync(request).ResponseAsync);
            Console.Error.WriteLine(reply.RunId.Length == 0
                ? $"Worker {request.WorkerId} serves no run, and gets none any more."
                : $"Worker {request.WorkerId} leaves run {reply.RunId} behind a step.");
            return ExitCodes.Done;
        });
        return command;
    }
}
