using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`logs`: a run's events, as lines of JSON.</summary>
internal static class LogsCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "A run id, as status shows it." };
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until the run has ended." };
        var address = CoordinatorClient.AddressOption();
        var command = new Verb("logs", "Prints a run's events, a JSON object a line.",
            "logs RUN --follow") { run, follow, address };
        command.SetAction((result, cancellation) => CoordinatorClient.AskAsync(result.GetValue(address)!, async client =>
        {
            using var call = client.Watch(new WatchRequest { RunId = result.GetValue(run)! }, cancellationToken: cancellation);
            var statesSeen = 0;
            while (await call.ResponseStream.MoveNext(cancellation))
            {
                var item = call.ResponseStream.Current;
                if (item.Json.Length > 0)
                {
                    Console.Out.WriteLine(item.Json);
                }
                else if (++statesSeen == 2 && !result.GetValue(follow))
                {
                    // The second bare state stands between what has happened and what will.
                    break;
                }
            }

            return ExitCodes.Done;
        }));
        return command;
    }
}
