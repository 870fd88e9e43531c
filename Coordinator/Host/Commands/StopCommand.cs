using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`stop`: ends a run after a step, with a checkpoint.</summary>
internal static class StopCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "A run id, as status shows it." };
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: nothing, or the run as a JSON object.");
        var command = new Verb("stop", "Ends a run after a step, with a checkpoint. Returns at once; `wait` waits for its end.",
            "stop RUN") { run, address, format };
        command.SetAction(async (result, _) =>
        {
            var request = new StopRequest { RunId = result.GetValue(run)! };
            var reply = await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.StopAsync(request).ResponseAsync);
            if (result.GetValue(format) != OutputFormat.Table)
            {
                Console.Out.WriteLine(StatusJson.Of(reply.Status));
            }
            else if (reply.Status.State is RunState.Succeeded or RunState.Failed or RunState.Stopped)
            {
                Console.Error.WriteLine($"Run {request.RunId} has ended already ({StatusJson.StateOf(reply.Status)}): {reply.Status.Reason}");
            }
            else
            {
                Console.Error.WriteLine($"Run {request.RunId} ends after a step, with a checkpoint. To see when: ./orchestrator wait {request.RunId}");
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
