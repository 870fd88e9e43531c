using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`scale`: changes how many workers a run wants, while it trains.</summary>
internal static class ScaleCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "A run id, as status shows it." };
        var desired = new Argument<int>("N") { Description = "Workers that it shall have, between workers.min and workers.max." };
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: nothing, or the run as a JSON object.");
        var command = new Verb("scale", "Changes how many workers a run wants. The steps go on, and the result has the same bits.",
            "scale RUN 4",
            "scale RUN 2 --coordinator runs/latest") { run, desired, address, format };
        command.SetAction(async (result, _) =>
        {
            var request = new ScaleRequest { RunId = result.GetValue(run)!, Desired = result.GetValue(desired) };
            var reply = await CoordinatorClient.AskAsync(result.GetValue(address)!, client => client.ScaleAsync(request).ResponseAsync);
            if (result.GetValue(format) != OutputFormat.Table)
            {
                Console.Out.WriteLine(StatusJson.Of(reply.Status));
            }
            else
            {
                Console.Error.WriteLine($"Run {request.RunId} has {Quantities.Workers(reply.Status.Workers)} and wants {request.Desired} now.");
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
