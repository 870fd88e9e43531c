using System.Diagnostics;
using System.Runtime.InteropServices;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Watches a run until it has ended, also when its coordinator changes.</summary>
internal static class RunFollower
{
    /// <param name="address">Of the coordinators, as it was typed. When one is lost, the run is watched at the next that owns it, and nothing is shown twice.</param>
    /// <param name="run">Its id.</param>
    /// <param name="show">Gets everything that comes, also what happened before.</param>
    /// <param name="cancellation">Lets go; the run goes on.</param>
    /// <returns>The run as it ended.</returns>
    /// <exception cref="UsageException">No coordinator could be asked any more before the run ended.</exception>
    public static async Task<RunStatus> FollowAsync(string address, string run, Action<RunEvent> show, CancellationToken cancellation)
    {
        RunStatus? last = null;
        var shown = 0;
        // Of the stream; 0: it is open.
        var lostAt = 0L;
        while (true)
        {
            try
            {
                await CoordinatorClient.AskAsync(address, client => WatchAsync(client));
            }
            catch (UsageException e) when (e.ExitCode == ExitCodes.NoCoordinator && last is not null)
            {
                // Another takes over, or this one comes back.
            }

            if (last is { State: RunState.Succeeded or RunState.Failed or RunState.Stopped })
            {
                return last;
            }

            lostAt = lostAt == 0 ? Stopwatch.GetTimestamp() : lostAt;
            if (Stopwatch.GetElapsedTime(lostAt) >= CoordinatorClient.TakeOverWait)
            {
                throw new UsageException($"The coordinator ended before run {run} did; it was at step {last?.Step ?? 0}.", ExitCodes.NoCoordinator);
            }

            await Task.Delay(CoordinatorClient.Between, cancellation);
        }

        async Task<int> WatchAsync(Protocol.V1.Runs.RunsClient client)
        {
            using var call = client.Watch(new WatchRequest { RunId = run }, cancellationToken: cancellation);
            for (var lines = 0; await call.ResponseStream.MoveNext(cancellation);)
            {
                var item = call.ResponseStream.Current;
                (last, lostAt) = (item.Status, 0);
                if (item.Json.Length == 0)
                {
                    show(item);
                }
                else if (++lines > shown)
                {
                    shown = lines;
                    show(item);
                }
            }

            return 0;
        }
    }

    /// <summary>The same for a person who looks on: Ctrl+C lets go of the run and says how it can be ended.</summary>
    /// <returns>The run as it ended, or null and the exit code when it was let go.</returns>
    public static async Task<(RunStatus? Run, int ExitCode)> AttendAsync(string address, string run, Action<RunEvent> show, Screen screen)
    {
        using var letGo = new CancellationTokenSource();
        var exitCode = ExitCodes.Done;
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => LetGo(context, ExitCodes.Interrupted));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => LetGo(context, ExitCodes.Terminated));
        try
        {
            var ended = await FollowAsync(address, run, show, letGo.Token);
            return (ended, ended.ExitCode);
        }
        catch (Exception) when (letGo.IsCancellationRequested)
        {
            screen.Line($"Run {run} goes on. To see more: ./orchestrator wait {run}. To end it: ./orchestrator stop {run}");
            return (null, exitCode);
        }

        void LetGo(PosixSignalContext context, int code)
        {
            context.Cancel = true;
            exitCode = code;
            letGo.Cancel();
        }
    }
}
