using System.CommandLine;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`wait`: ends when the run has, with the run's exit code, or when it has come to a state.</summary>
internal static class WaitCommand
{
    private const string ConditionStart = "state=";

    public static Command Create()
    {
        var run = new Argument<string>("RUN") { Description = "A run id, as status shows it." };
        var condition = new Option<string?>("--for") { Description = "Wait for this state, such as state=running, and end with 0. Default: until the run has ended.", HelpName = "state=STATE" };
        var timeout = new Option<string?>("--timeout") { Description = $"Time after which it gives up with exit code {ExitCodes.TimedOut}, such as 90s, 15m or 2h; the run goes on.", HelpName = "TIME" };
        var address = CoordinatorClient.AddressOption();
        var format = FormatOption.Create("Standard output: the run as a JSON object, with json or jsonl.");
        var command = new Verb("wait", "Waits until a run has ended and ends with its exit code.",
            "wait RUN --timeout 3600",
            "wait RUN --for=state=succeeded --timeout 2h") { run, condition, timeout, address, format };
        command.SetAction(async (result, cancellation) =>
        {
            var wish = new Wish(result.GetValue(run)!, ReadState(result.GetValue(condition)), result.GetValue(timeout));
            var (last, exitCode) = await WaitAsync(wish, result.GetValue(address)!, cancellation);
            if (result.GetValue(format) != OutputFormat.Table)
            {
                Console.Out.WriteLine(StatusJson.Of(last));
            }

            Console.Error.WriteLine($"Run {last.RunId} {StatusJson.StateOf(last)}: {last.Reason}");
            return exitCode;
        });
        return command;
    }

    private static async Task<(RunStatus Last, int ExitCode)> WaitAsync(Wish wish, string address, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (wish.Timeout is { } typed)
        {
            patience.CancelAfter(Durations.Read("--timeout", typed));
        }

        using var following = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        RunStatus? reached = null;
        try
        {
            var ended = await RunFollower.FollowAsync(address, wish.Run, Look, following.Token);
            return (reached ?? ended, reached is not null ? ExitCodes.Done : wish.State is null || ended.ExitCode != ExitCodes.Done ? ended.ExitCode : ExitCodes.Failed);
        }
        catch (Exception) when (reached is not null)
        {
            return (reached, ExitCodes.Done);
        }
        catch (Exception) when (patience.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new UsageException($"Run {wish.Run} had not {(wish.State is null ? "ended" : $"come to the state {wish.State}")} after {wish.Timeout}{(char.IsDigit(wish.Timeout![^1]) ? " s" : "")}; it goes on.", ExitCodes.TimedOut);
        }

        void Look(RunEvent news)
        {
            if (reached is null && wish.State is { } state && StatusJson.StateOf(news.Status) == state)
            {
                reached = news.Status;
                following.Cancel();
            }
        }
    }

    /// <returns>The state in small letters; null: any in which a run has ended.</returns>
    private static string? ReadState(string? typed)
    {
        if (typed is null)
        {
            return null;
        }

        var states = Enum.GetValues<RunState>().Where(state => state != RunState.Unspecified).Select(state => state.ToString().ToLowerInvariant()).ToList();
        return typed.StartsWith(ConditionStart, StringComparison.Ordinal) && states.Contains(typed[ConditionStart.Length..])
            ? typed[ConditionStart.Length..]
            : throw new UsageException($"--for {typed}: state=STATE is needed, with one of {string.Join(", ", states)}.");
    }

    /// <summary>What is waited for.</summary>
    private sealed record Wish(string Run, string? State, string? Timeout);
}
