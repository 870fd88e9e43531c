using System.ComponentModel;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Supervision;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Coordinator.Host.Server;

namespace Orchestrator.Coordinator.Host.Launch;

/// <summary>The shell of <see cref="SupervisionMachine"/>: starts and kills the worker processes of an embedded run.</summary>
internal sealed class WorkerSupervisor : IAsyncDisposable
{
    private readonly RunOrder _order;
    private readonly CoordinatorServer _server;
    private readonly string _token;
    private readonly string _program;
    private readonly Action<SupervisionEffect.Say> _say;
    private readonly MachineActor<SupervisionState, SupervisionEvent, SupervisionEffect> _actor;
    private readonly Lock _lock = new();
    private readonly List<LaunchedWorker> _processes = [];
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _end = new();

    /// <param name="order">The run, with how many workers it wants.</param>
    /// <param name="server">Whom the workers attach to.</param>
    /// <param name="token">What they show it.</param>
    /// <param name="program">The worker's assembly.</param>
    /// <param name="limits">How often a process is started again.</param>
    /// <param name="say">Told what a person should know. Any thread.</param>
    /// <param name="log">For a bug.</param>
    /// <param name="time">The only clock.</param>
    public WorkerSupervisor(
        RunOrder order, CoordinatorServer server, string token, string program, RestartLimits limits, Action<SupervisionEffect.Say> say, ILogger log, TimeProvider time)
    {
        (_order, _server, _token, _program, _say, _time) = (order, server, token, program, say, time);
        _actor = new MachineActor<SupervisionState, SupervisionEvent, SupervisionEffect>(
            SupervisionState.Create(limits, order.Job.Workers.Min), SupervisionMachine.Step, CarryOut, (e, @event) => Log.ActorCrashed(log, @event.ToString(), e), time);
        _actor.Post(new SupervisionEvent.Wanted(order.Job.Workers.Desired));
    }

    /// <summary>Something was recorded of the run that concerns the processes.</summary>
    public void Hear(RunRecord? record)
    {
        switch (record)
        {
            case RunRecord.GenerationPreparing or RunRecord.WorkerJoining:
                NameLogs();
                break;
            case RunRecord.WorkerReady ready:
                _actor.Post(new SupervisionEvent.BecameMember(ready.Pid));
                break;
            case RunRecord.WorkerLost lost:
                _actor.Post(new SupervisionEvent.Lost(lost.Pid));
                break;
            case RunRecord.RunScaled scaled:
                _actor.Post(new SupervisionEvent.Wanted(scaled.Desired));
                break;
        }
    }

    /// <summary>At once, whatever they are doing.</summary>
    public void KillAll()
    {
        lock (_lock)
        {
            _processes.ForEach(process => process.Kill());
        }
    }

    /// <summary>Starts no process any more; none is left when this returns.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync().ConfigureAwait(false);
        await _actor.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask())).ConfigureAwait(false);
        _end.Dispose();
    }

    private void CarryOut(SupervisionEffect effect)
    {
        switch (effect)
        {
            case SupervisionEffect.Start start:
                Start(start.Slot);
                break;
            case SupervisionEffect.Kill kill:
                Find(kill.Pid)?.Kill();
                break;
            case SupervisionEffect.Delay delay:
                _ = PostLaterAsync(delay.For, () => new SupervisionEvent.DelayOver(delay.Slot));
                break;
            case SupervisionEffect.AwaitThaw thaw:
                _ = PostLaterAsync(thaw.For, () => new SupervisionEvent.ThawOver(thaw.Slot, thaw.Pid, IsAttached(thaw.Pid)));
                break;
            case SupervisionEffect.Say say when !IsRunOver:
                _say(say);
                break;
            case SupervisionEffect.GiveUp giveUp:
                _server.Actor.Post(new ClusterEvent.LaunchFailed(_order.Id, giveUp.Reason));
                break;
        }
    }

    /// <summary>Workers that end with their run are not missed.</summary>
    private bool IsRunOver => _end.IsCancellationRequested || _server.Actor.State.Find(_order.Id)?.Phase is RunPhase.Ended;

    private void Start(int slot)
    {
        if (IsRunOver)
        {
            return;
        }

        try
        {
            LaunchedWorker process;
            lock (_lock)
            {
                process = LaunchedWorker.Start(
                    _program, _server.Grpc.ToString(), _token, _order.Launcher!, Path.Combine(_order.RunDir, RunFolder.LogsFolder), _processes.Count + 1);
                _processes.Add(process);
            }

            _actor.Post(new SupervisionEvent.Started(slot, process.Pid));
            _ = ReportEndAsync(slot, process);
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            _actor.Post(new SupervisionEvent.NotStarted(slot, e.Message));
        }
    }

    private async Task ReportEndAsync(int slot, LaunchedWorker process)
    {
        var exitCode = await process.Ended.ConfigureAwait(false);
        _actor.Post(new SupervisionEvent.Ended(slot, process.Pid, exitCode == 0, process.DescribeEnd(exitCode, isBrief: true), process.DescribeEnd(exitCode, isBrief: false)));
    }

    private async Task PostLaterAsync(TimeSpan after, Func<SupervisionEvent> what)
    {
        await Task.Delay(after, _time, _end.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_end.IsCancellationRequested)
        {
            _actor.Post(what());
        }
    }

    private bool IsAttached(int pid) => _server.Actor.State.Workers.Values.Any(candidate => candidate.Hello.Pid == pid);

    private LaunchedWorker? Find(int pid)
    {
        lock (_lock)
        {
            return _processes.Find(process => process.Pid == pid);
        }
    }

    /// <summary>Attached workers have ids: their logs are found by them.</summary>
    private void NameLogs()
    {
        foreach (var candidate in _server.Actor.State.Workers.Values.Where(candidate => candidate.Hello.Launcher == _order.Launcher))
        {
            try
            {
                Find(candidate.Hello.Pid)?.NameLog(candidate.Worker.Value);
            }
            catch (IOException)
            {
                // It keeps its first name.
            }
        }
    }
}
