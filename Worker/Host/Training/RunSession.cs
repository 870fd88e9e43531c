using System.Collections.Concurrent;
using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Core.Lifecycle;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Carries out what the lifecycle asks of a run, on the training thread, and reports back as events.</summary>
/// <remarks>Methods return at once; they may be called from the actor's reader only.</remarks>
internal sealed class RunSession(string device, CollectiveServer server, Action<WorkerEvent> post, WorkerMetrics metrics) : IDisposable
{
    private readonly TrainingThread _thread = new(error => post(new WorkerEvent.TrainingFailed(0, $"Internal error: {error}", FailureKind.Internal)));
    private PreparedRun? _run;
    private ProcessUse? _use;
    private CheckpointPublisher? _checkpoints;
    private CancellationTokenSource _stop = new();
    // Ends the exchange with the peers, once; on the training thread.
    private Action _closeCollective = () => { };
    private long _highestPrepared;

    public void Prepare(CoordinatorMessage.Prepare order)
    {
        _stop = new CancellationTokenSource();
        Volatile.Write(ref _highestPrepared, order.Generation.Number);
        _thread.Post(() =>
        {
            try
            {
                var job = JobSpecJson.Read(order.JobJson);
                var use = new ProcessUse(order.Isa, job.Workers.Threads, job.Task?.Assembly);
                if (ProcessRule.WhyFresh(_use, use) is { } reason)
                {
                    post(new WorkerEvent.FreshProcessNeeded(order.Generation, reason));
                    return;
                }

                _use = use;
                _run = PreparedRun.Load(order, job, device);
                _checkpoints = new CheckpointPublisher(_run, Report);
                post(new WorkerEvent.PreparationSucceeded(_run.Describe()));
            }
            catch (Exception error) when (FailureRule.Describe(error) is { } failure)
            {
                Drop();
                post(new WorkerEvent.PreparationFailed(failure.Reason, failure.Kind));
            }
        });
    }

    public void Train(WorkerId self, CoordinatorMessage.Activate order)
    {
        var stop = _stop.Token;
        _thread.Post(() =>
        {
            var run = _run ?? throw new InvalidOperationException($"{order.Generation} was activated before it was prepared.");
            try
            {
                post(new WorkerEvent.TrainingFinished(Train(run, self, order, stop)));
            }
            catch (OperationCanceledException)
            {
                post(new WorkerEvent.TrainingStopped(run.Replica.AppliedSteps));
            }
            catch (Exception error) when (FailureRule.Describe(error) is { } failure)
            {
                // What was being saved counts: the coordinator says how to go on from it.
                _checkpoints?.Settle();
                post(new WorkerEvent.TrainingFailed(run.Replica.AppliedSteps, failure.Reason, failure.Kind));
            }
        });
    }

    public void RaisePrepared(Generation generation) => Volatile.Write(ref _highestPrepared, generation.Number);

    public void Stop() => _stop.Cancel();

    public void WriteCheckpoint(Generation generation) => _thread.Post(() =>
    {
        _checkpoints?.Publish(generation, isWriter: true);
        _checkpoints?.Wait();
    });

    public void DropRun() => _thread.Post(Drop);

    public void Dispose()
    {
        Stop();
        DropRun();
        _thread.Dispose();
    }

    private WorkerMessage.Finished Train(PreparedRun run, WorkerId self, CoordinatorMessage.Activate order, CancellationToken stop)
    {
        var buckets = run.Buckets.Select(bucket => new ElementRange(bucket.Offset, bucket.Count)).ToImmutableArray();
        var plan = AllReducePlan.Create(order.Generation, self, order.Members, run.Job.Training.LogicalRanks, buckets);
        GradientExchange? exchange = null;
        var lost = new ConcurrentQueue<(int Member, string Reason)>();
        var links = new BulkLinks(plan, run.Order.Run, run.Job.AllReduce.Transport, (member, reason) =>
        {
            lost.Enqueue((member, reason));
            exchange?.PeerLost(member, reason);
        });
        exchange = new GradientExchange(plan, order.StartStep, links);
        foreach (var (member, reason) in lost)
        {
            exchange.PeerLost(member, reason);
        }

        var receiver = server.Open(run.Order.Run, order.Generation, exchange);
        _closeCollective = () =>
        {
            _closeCollective = () => { };
            server.Close(run.Order.Run, order.Generation, receiver, "The generation has ended on this worker.");
            links.DisposeAsync().AsTask().Wait(CancellationToken.None);
            exchange.Dispose();
        };
        var isFinished = false;
        try
        {
            var loop = new TrainingLoop(
                run, plan, order, exchange, _checkpoints!, () => new Generation(Volatile.Read(ref _highestPrepared)), Report, stop);
            var finished = loop.Run();
            links.CompleteAsync().Wait(stop);
            isFinished = true;
            return finished;
        }
        finally
        {
            // After its last step a peer may still wait for another one's share: a stream that broke off now would fail it. The
            // coordinator releases the run when all members have finished, and that closes.
            if (!isFinished)
            {
                _closeCollective();
            }
        }
    }

    private void Report(WorkerMessage message)
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

        post(message is WorkerMessage.Progress step ? new WorkerEvent.StepApplied(step) : new WorkerEvent.Reported(message));
    }

    private void Drop()
    {
        _closeCollective();
        _checkpoints?.Dispose();
        _run?.Dispose();
        (_checkpoints, _run) = (null, null);
    }
}
