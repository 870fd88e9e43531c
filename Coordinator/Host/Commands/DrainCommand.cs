using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`drain`: takes a worker out of its run behind a step, so that its host can be used for something else.</summary>
internal static class DrainCommand
{
    public static Command Create()
    {
        var worker = new Argument<string>("WORKER") { Description = "A worker id, as workers shows it." };
        var undo = new Option<bool>("--undo") { Description = "It was drained, and may serve runs again." };
        var address = CoordinatorClient.AddressOption();
        var command = new Verb("drain", "Takes a worker out of its run behind a step. Nothing is lost, and it gets no other run until --undo or the end of its process, also under another coordinator. `run` starts another in its place.",
            "drain w-2",
            "drain w-2 --undo",
            "drain w-2 --coordinator runs/latest") { worker, undo, address };
        command.SetAction(async (result, _) =>
        {
            var request = new DrainRequest { WorkerId = result.GetValue(worker)!, Undo = result.GetValue(undo) };
            var reply = await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.DrainAsync(request).ResponseAsync);
            Console.Error.WriteLine(request.Undo ? $"Worker {request.WorkerId} is drained no more, and may serve runs."
                : reply.RunId.Length == 0 ? $"Worker {request.WorkerId} serves no run, and gets none any more."
                : $"Worker {request.WorkerId} leaves run {reply.RunId} behind a step.");
            return ExitCodes.Done;
        });
        return command;
    }
}
