using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`wait`: ends when the run has, with the run's exit code.</summary>
internal static class WaitCommand
{
    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "A run id, as status shows it." };
        var timeout = new Option<double?>("--timeout") { Description = $"Seconds after which it gives up with exit code {ExitCodes.TimedOut}; the run goes on.", HelpName = "SECONDS" };
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: the run as a JSON object, with json or jsonl.");
        var command = new Verb("wait", "Waits until a run has ended and ends with its exit code.",
            "wait RUN --timeout 3600") { run, timeout, address, format };
        command.SetAction(async (result, cancellation) =>
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            if (result.GetValue(timeout) is { } seconds)
            {
                patience.CancelAfter(TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9)));
            }

            RunStatus? last = null;
            try
            {
                last = await RunFollower.FollowAsync(result.GetValue(address)!, result.GetValue(run)!, _ => { }, patience.Token);
            }
            catch (Exception) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                throw new UsageException($"Run {result.GetValue(run)} had not ended after {result.GetValue(timeout)} s; it goes on.", ExitCodes.TimedOut);
            }

            if (result.GetValue(format) != OutputFormat.Table)
            {
                Console.Out.WriteLine(StatusJson.Of(last));
            }

            Console.Error.WriteLine($"Run {last.RunId} {StatusJson.StateOf(last)}: {last.Reason}");
            return last.ExitCode;
        });
        return command;
    }
}
