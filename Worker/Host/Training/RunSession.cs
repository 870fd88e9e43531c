using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Core.Membership;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Membership;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Carries out what the lifecycle asks of a run, on the training thread, and reports back as events.</summary>
/// <remarks>Methods return at once; they may be called from the actor's reader only.</remarks>
internal sealed class RunSession(string device, CollectiveServer server, Action<WorkerEvent> post, WorkerMetrics metrics) : IDisposable
{
    private readonly TrainingThread _thread = new(error => post(new WorkerEvent.TrainingFailed(0, $"Internal error: {error}", FailureKind.Internal)));
    private PreparedRun? _run;
    private Action<WorkerEvent>? _told;
    private ProcessUse? _use;
    private CheckpointPublisher? _checkpoints;
    private MemberShell? _member;
    private bool _isAbandoned;

    /// <summary>What the training thread does for a run; unspecified: this worker is no member. Any thread.</summary>
    public WorkMark Work => Volatile.Read(ref _member)?.Work ?? default;

    /// <summary>The training thread hangs: from here on nothing waits for it, and nothing that it may hold is touched. The process is to end.</summary>
    public void Abandon() => _isAbandoned = true;

    public void Prepare(CoordinatorMessage.Prepare order)
    {
        _thread.Post(() =>
        {
            // Whatever comes of it may come when the worker serves another run.
            void Tell(WorkerEvent @event) => post(@event with { Run = order.Run });
            try
            {
                var job = JobSpecJson.Read(order.JobJson);
                var use = new ProcessUse(order.Isa, job.Workers.Threads, job.Task?.Assembly);
                if (ProcessRule.WhyFresh(_use, use) is { } reason)
                {
                    Tell(new WorkerEvent.FreshProcessNeeded(order.Generation, reason));
                    return;
                }

                _use = use;
                _run = PreparedRun.Load(order, job, device);
                _told = Tell;
                _checkpoints = new CheckpointPublisher(_run, message => Report(message, Tell));
                Tell(new WorkerEvent.PreparationSucceeded(_run.Describe()));
            }
            catch (Exception error) when (FailureRule.Describe(error) is { } failure)
            {
                Drop();
                Tell(new WorkerEvent.PreparationFailed(failure.Reason, failure.Kind));
            }
        });
    }

    /// <summary>The first order makes the member; a fence must not wait for the training thread, so orders go straight to it.</summary>
    /// <param name="self">This worker's id.</param>
    /// <param name="order">Activate, Fence, Switch, PrepareEnd, Feed or Follow.</param>
    public void Order(WorkerId self, CoordinatorMessage order)
    {
        var run = _run ?? throw new InvalidOperationException($"{order} came before the run was prepared.");
        var told = _told!;
        _member ??= new MemberShell(run, self, _thread, server, _checkpoints!, message => Report(message, told), told, metrics);
        _member.Post(new MemberEvent.Ordered(order));
    }

    public void Stop() => _member?.Stop();

    public void WriteCheckpoint(Generation generation) => _thread.Post(() =>
    {
        _checkpoints?.Publish(generation, isWriter: true);
        _checkpoints?.Wait();
    });

    /// <summary>What peers told of their ranks is at hand: it does not wait for the training thread.</summary>
    public void TellLedger(Generation generation, long fromStep)
    {
        if (_run is { } run)
        {
            _told!(new WorkerEvent.Reported(new WorkerMessage.Fed(generation, run.Ledger.OfPeers(fromStep))));
        }
    }

    /// <summary>What peers told up to this step is recorded: a coordinator that takes the run over knows it.</summary>
    public void ForgetLedger(long step) => _run?.Ledger.Forget(step);

    public void DropRun() => _thread.Post(Drop);

    public void Dispose()
    {
        if (_isAbandoned)
        {
            return;
        }

        Stop();
        DropRun();
        _thread.Dispose();
    }

    private void Report(WorkerMessage message, Action<WorkerEvent> told)
    {
        switch (message)
        {
            case WorkerMessage.Progress progress:
                metrics.StepCompleted(progress.Seconds, progress.Samples, progress.AllReduceBytes);
                break;
            case WorkerMessage.CheckpointSaved { Error: null } saved:
                metrics.CheckpointSaved(TimeSpan.FromSeconds(saved.Seconds), TimeSpan.FromSeconds(saved.StallSeconds), saved.Bytes);
                break;
            case WorkerMessage.CheckpointSaved:
                metrics.CheckpointFailed();
                break;
        }

        told(message switch
        {
            WorkerMessage.Progress step => new WorkerEvent.StepApplied(step),
            WorkerMessage.Entered entered => new WorkerEvent.GenerationEntered(entered),
            _ => new WorkerEvent.Reported(message),
        });
    }

    private void Drop()
    {
        _member?.Dispose();
        _checkpoints?.Dispose();
        _run?.Dispose();
        (_member, _checkpoints, _run) = (null, null, null);
    }
}
