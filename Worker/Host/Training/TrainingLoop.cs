using System.Diagnostics;
using Orchestrator.Core.Messages;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Core.AllReduce;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Trains in one generation, from its start step until the run's last step or until all members have prepared the next generation.</summary>
/// <remarks>Runs on a thread of its own. It talks to its peers through the exchange and to the coordinator, behind the steps, through the reports.</remarks>
internal sealed class TrainingLoop
{
    /// <summary>After the last step the held-out part is evaluated whole, up to this many samples: minutes, not hours.</summary>
    private const int MaxFinalEvaluation = 10_000;

    private readonly PreparedRun _run;
    private readonly AllReducePlan _plan;
    private readonly CoordinatorMessage.Activate _order;
    private readonly GradientExchange _exchange;
    private readonly CheckpointPublisher _checkpoints;
    private readonly Func<Generation> _highestPrepared;
    private readonly Action<WorkerMessage> _report;
    private readonly CancellationToken _cancellation;

    public TrainingLoop(
        PreparedRun run, AllReducePlan plan, CoordinatorMessage.Activate order, GradientExchange exchange, CheckpointPublisher checkpoints,
        Func<Generation> highestPrepared, Action<WorkerMessage> report, CancellationToken cancellation)
    {
        (_run, _plan, _order, _exchange, _checkpoints) = (run, plan, order, exchange, checkpoints);
        (_highestPrepared, _report, _cancellation) = (highestPrepared, report, cancellation);
    }

    private bool IsLead => _plan.Self == 0;

    /// <exception cref="ExchangeException">A peer was lost.</exception>
    /// <exception cref="OperationCanceledException">The loop was told to stop.</exception>
    public WorkerMessage.Finished Run()
    {
        var replica = _run.Replica;
        var ranks = _plan.Members[_plan.Self];
        var partials = new PartialStack(_run.Tree, _run.Pool);
        var reduced = _run.Pool.Rent();
        var samples = 0L;
        var agreed = _order.Generation;
        try
        {
            while (replica.AppliedSteps < _order.LastStep && agreed == _order.Generation)
            {
                var step = replica.AppliedSteps;
                var clock = new PhaseClock();
                var sentBefore = _exchange.SentBytes;
                using var host = HostMemory.For(reduced);
                _exchange.Begin(step + 1, _highestPrepared(), host.Address);
                using var sender = new BucketSender(_exchange, partials, _run.Buckets, replica.Device);
                var own = Compute(step, ranks, partials, sender, clock);
                agreed = clock.Measure(Phase.AllReduce, () => _exchange.Wait(_cancellation));
                host.CopyTo(reduced);
                var update = clock.Measure(Phase.Update, () => replica.Apply(reduced, _order.TotalSteps));
                partials.Clear();
                samples += own;
                _report(new WorkerMessage.Progress(
                    _order.Generation, replica.AppliedSteps, update.Loss, own, update.GradientNorm, update.LearningRate, clock.Seconds(),
                    _exchange.SentBytes - sentBefore));
                CheckpointAndEvaluate(agreed);
            }
        }
        finally
        {
            partials.Clear();
            _run.Pool.Return(reduced);
        }

        return Finish(samples);
    }

    /// <summary>The gradients of this member's logical ranks, merged along the tree and handed to the exchange. Returns the samples it used.</summary>
    private int Compute(long step, Member ranks, PartialStack partials, BucketSender sender, PhaseClock clock)
    {
        var samples = 0;
        var stepSamples = _run.Samples.BatchSize(step);
        for (var rank = ranks.FirstRank; rank < ranks.FirstRank + ranks.RankCount; rank++)
        {
            _cancellation.ThrowIfCancellationRequested();
            using var batch = clock.Measure(Phase.Data, () => _run.ReadShare(step, rank));
            samples += batch?.Count ?? 0;
            var buffer = _run.Pool.Rent();
            partials.Add(rank, buffer);
            // The last rank's buckets are merged and sent while its backward pass runs.
            Action<int>? bucketReady = rank == ranks.FirstRank + ranks.RankCount - 1 ? sender.Ready : null;
            clock.Measure(Phase.Compute, () =>
            {
                _run.Replica.Pass.Compute(batch, step, rank, stepSamples, buffer, _run.Buckets, bucketReady);
                if (bucketReady is null)
                {
                    using var noGrad = TorchSharp.torch.no_grad();
                    partials.Merge(0, _run.Replica.Layout.ElementCount);
                }

                partials.Complete();
                return true;
            });
        }

        if (ranks.RankCount == 0)
        {
            sender.ReadyAll();
        }

        return samples;
    }

    private void CheckpointAndEvaluate(Generation agreed)
    {
        var (step, job) = (_run.Replica.AppliedSteps, _run.Job);
        var isLast = step >= _order.LastStep || agreed != _order.Generation;
        if (isLast || (job.Checkpoint.EverySteps > 0 && step % job.Checkpoint.EverySteps == 0))
        {
            _checkpoints.Publish(_order.Generation, IsLead);
        }

        if (IsLead && _run.Data.HeldOut is { Count: > 0 } heldOut && (isLast || (job.Evaluation.EverySteps > 0 && step % job.Evaluation.EverySteps == 0)))
        {
            var result = Evaluator.Run(
                _run.Task, _run.Replica.Model, _run.Replica.Device, _run.Data.Shape, heldOut, isLast ? MaxFinalEvaluation : job.Evaluation.MaxSamples, job.Seed,
                _cancellation);
            _report(new WorkerMessage.Evaluated(_order.Generation, step, result.Loss, result.Accuracy, result.Samples));
        }
    }

    private WorkerMessage.Finished Finish(long samples)
    {
        _checkpoints.Wait();
        if (_checkpoints.Last.Step != _run.Replica.AppliedSteps)
        {
            // Nothing was trained in this generation: the state is the one it started from.
            _checkpoints.Publish(_order.Generation, IsLead);
            _checkpoints.Wait();
        }

        return new WorkerMessage.Finished(_order.Generation, _run.Replica.AppliedSteps, _checkpoints.Last.WeightsSha256, samples);
    }

    private enum Phase
    {
        Data,
        Compute,
        AllReduce,
        Update,
    }

    /// <summary>Adds up what each phase of one step took.</summary>
    private sealed class PhaseClock
    {
        private readonly long _start = Stopwatch.GetTimestamp();
        private readonly double[] _seconds = new double[4];

        public T Measure<T>(Phase phase, Func<T> work)
        {
            var start = Stopwatch.GetTimestamp();
            var result = work();
            _seconds[(int)phase] += Stopwatch.GetElapsedTime(start).TotalSeconds;
            return result;
        }

        public StepSeconds Seconds() => new(
            Stopwatch.GetElapsedTime(_start).TotalSeconds, _seconds[(int)Phase.Data], _seconds[(int)Phase.Compute], _seconds[(int)Phase.AllReduce],
            _seconds[(int)Phase.Update]);
    }
}
