using System.Runtime.InteropServices;
using Orchestrator.Protocol.V1;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>Watches a run of a coordinator until it has ended.</summary>
internal static class RunFollower
{
    /// <param name="client">The coordinator.</param>
    /// <param name="run">Its id.</param>
    /// <param name="show">Gets everything that comes, also what happened before.</param>
    /// <param name="cancellation">Lets go; the run goes on.</param>
    /// <returns>The run as it ended.</returns>
    /// <exception cref="UsageException">The coordinator ended before the run did.</exception>
    public static async Task<RunStatus> FollowAsync(Protocol.V1.Runs.RunsClient client, string run, Action<RunEvent> show, CancellationToken cancellation)
    {
        using var call = client.Watch(new WatchRequest { RunId = run }, cancellationToken: cancellation);
        RunStatus? last = null;
        while (await call.ResponseStream.MoveNext(cancellation))
        {
            last = call.ResponseStream.Current.Status;
            show(call.ResponseStream.Current);
        }

        return last is { State: RunState.Succeeded or RunState.Failed or RunState.Stopped }
            ? last
            : throw new UsageException($"The coordinator ended before run {run} did; it was at step {last?.Step ?? 0}.", ExitCodes.NoCoordinator);
    }

    /// <summary>The same for a person who looks on: Ctrl+C lets go of the run and says how it can be ended.</summary>
    /// <returns>The run as it ended, or null and the exit code when it was let go.</returns>
    public static async Task<(RunStatus? Run, int ExitCode)> AttendAsync(Protocol.V1.Runs.RunsClient client, string run, Action<RunEvent> show, Screen screen)
    {
        using var letGo = new CancellationTokenSource();
        var exitCode = ExitCodes.Done;
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => LetGo(context, ExitCodes.Interrupted));
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => LetGo(context, ExitCodes.Terminated));
        try
        {
            var ended = await FollowAsync(client, run, show, letGo.Token);
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
