using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Control;

/// <summary>The worker's mailbox: one reader feeds <see cref="WorkerMachine"/> and carries its effects out, none of which blocks.</summary>
internal sealed class WorkerActor
{
    private readonly Channel<WorkerEvent> _mailbox = Channel.CreateUnbounded<WorkerEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly TaskCompletionSource<WorkerEffect> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ILogger _log;
    private readonly WorkerMetrics _metrics;
    private WorkerState _state;

    public WorkerActor(bool endsWithRun, WorkerMetrics metrics, ILogger log)
    {
        (_state, _metrics, _log) = (WorkerState.Start(endsWithRun), metrics, log);
    }

    public bool EndsWithRun => _state.EndsWithRun;

    /// <summary>Queues an event; never blocks. Events come from the coordinator's stream, the training thread and signals.</summary>
    public void Post(WorkerEvent @event) => _mailbox.Writer.TryWrite(@event);

    /// <summary>Runs until the worker is to end; returns how: <see cref="WorkerEffect.Exit"/> or <see cref="WorkerEffect.Restart"/>.</summary>
    public async Task<WorkerEffect> RunAsync(CoordinatorLink link, RunSession session)
    {
        link.Attach();
        _ = Task.Run(() => Read(link, session));
        using var beats = new Timer(_ => Beat(link, session), null, SilenceRule.BeatPeriod, SilenceRule.BeatPeriod);
        return await _end.Task;
    }

    private void Beat(CoordinatorLink link, RunSession session)
    {
        link.Beat(session.Work);
        Post(new WorkerEvent.Beat());
    }

    private async Task Read(CoordinatorLink link, RunSession session)
    {
        try
        {
            await foreach (var @event in _mailbox.Reader.ReadAllAsync())
            {
                var before = _state;
                (_state, var effects) = WorkerMachine.Step(before, @event);
                effects = RunMark.Put(before, _state, effects);
                foreach (var effect in effects)
                {
                    Run(effect, link, session);
                }
            }
        }
        catch (Exception error)
        {
            Log.ActorCrashed(_log, error);
            _end.TrySetResult(new WorkerEffect.Exit(1, $"Internal error in the worker's actor: {error.Message}"));
        }
    }

    private void Run(WorkerEffect effect, CoordinatorLink link, RunSession session)
    {
        switch (effect)
        {
            case WorkerEffect.Send send:
                Tell(send.Message);
                link.Send(send.Message);
                break;
            case WorkerEffect.BeginPreparation preparation:
                Log.Preparing(_log, preparation.Prepare.Run.Value, preparation.Prepare.Generation.Number, preparation.Prepare.Isa);
                session.Prepare(preparation.Prepare);
                break;
            case WorkerEffect.Order order:
                Log.Ordered(_log, order.Message.GetType().Name, _state.Term == 0 ? "" : $" under term {_state.Term}");
                session.Order(order.Self, order.Message);
                break;
            case WorkerEffect.StopTraining stop:
                Log.Stopping(_log, stop.Reason);
                session.Stop();
                break;
            case WorkerEffect.WriteCheckpoint write:
                session.WriteCheckpoint(write.Generation);
                break;
            case WorkerEffect.TellLedger tell:
                session.TellLedger(tell.Generation, tell.FromStep);
                break;
            case WorkerEffect.ForgetLedger forget:
                session.ForgetLedger(forget.Step);
                break;
            case WorkerEffect.DropRun drop:
                Log.Dropped(_log, drop.Reason);
                _metrics.Released();
                session.DropRun();
                break;
            case WorkerEffect.Reattach reattach:
                Log.Reattaching(_log, reattach.Reason);
                link.Attach(reattach.Member);
                break;
            case WorkerEffect.HangUp hangUp:
                Log.Leaving(_log, hangUp.Reason);
                if (hangUp.IsRefusal)
                {
                    _metrics.CoordinatorRefused();
                }

                link.HangUp();
                break;
            case WorkerEffect.Refuse refuse:
                Log.OrderRefused(_log, refuse.Reason);
                _metrics.OrderRefused();
                break;
            case WorkerEffect.Exit or WorkerEffect.Restart:
                _end.TrySetResult(effect);
                break;
            case WorkerEffect.Note note:
                Log.Note(_log, note.Text);
                break;
        }
    }

    private void Tell(WorkerMessage message)
    {
        switch (message)
        {
            case WorkerMessage.Entered entered:
                Log.Entered(_log, entered.Generation.Number, entered.Step);
                break;
            case WorkerMessage.Fenced fenced:
                Log.Fenced(_log, fenced.Generation.Number, fenced.Decided);
                break;
            case WorkerMessage.LinkBroken broken:
                Log.LinkBroken(_log, broken.Peer.Value, broken.Generation.Number, broken.Reason);
                break;
            case WorkerMessage.Refused refused:
                Log.Refused(_log, refused.Reason);
                break;
            case WorkerMessage.Failed failed:
                Log.Failed(_log, failed.Step, failed.Reason);
                break;
            case WorkerMessage.Progress progress:
                Log.Step(_log, progress.Step, progress.Loss, progress.Seconds.Step);
                break;
            case WorkerMessage.CheckpointSaved { Error: { } error } saved:
                Log.CheckpointFailed(_log, saved.Step, error);
                break;
            case WorkerMessage.CheckpointSaved saved:
                Log.CheckpointSaved(_log, saved.Path, saved.Bytes, saved.Seconds);
                break;
        }
    }
}
