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
        command.SetAction(async (result, cancellation) =>
        {
            if (result.GetValue(follow))
            {
                await RunFollower.FollowAsync(result.GetValue(address)!, result.GetValue(run)!, Print, cancellation);
                return ExitCodes.Done;
            }

            return await CoordinatorClient.AskAsync(result.GetValue(address)!, client => PrintPastAsync(client, result.GetValue(run)!, cancellation));
        });
        return command;
    }

    private static async Task<int> PrintPastAsync(Protocol.V1.Runs.RunsClient client, string run, CancellationToken cancellation)
    {
        using var call = client.Watch(new WatchRequest { RunId = run }, cancellationToken: cancellation);
        var statesSeen = 0;
        while (await call.ResponseStream.MoveNext(cancellation))
        {
            Print(call.ResponseStream.Current);

            // The second bare state stands between what has happened and what will.
            if (call.ResponseStream.Current.Json.Length == 0 && ++statesSeen == 2)
            {
                break;
            }
        }

        return ExitCodes.Done;
    }

    private static void Print(RunEvent item)
    {
        if (item.Json.Length > 0)
        {
            Console.Out.WriteLine(item.Json);
        }
    }
}
