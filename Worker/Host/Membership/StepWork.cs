using Orchestrator.Core.Messages;
using Orchestrator.Core.Reduction;
using Orchestrator.Training.Replicas;
using Orchestrator.Worker.Core.Membership;
using Orchestrator.Worker.Host.Checkpoints;
using Orchestrator.Worker.Host.Collectives;
using Orchestrator.Worker.Host.Training;
using static TorchSharp.torch;
using Generation = Orchestrator.Core.Identities.Generation;

namespace Orchestrator.Worker.Host.Membership;

/// <summary>What the training thread does for a member, one piece after another: passes, updates, checkpoints, evaluations.</summary>
/// <param name="run">What was loaded.</param>
/// <param name="reduced">Where reduced gradients lie.</param>
/// <param name="checkpoints">Saves and hashes.</param>
/// <param name="report">Gets what the coordinator is to hear.</param>
/// <param name="bucketFinal">Called during a streamed pass with the step and the bucket.</param>
/// <param name="sentBytes">All that was sent in the all-reduce so far.</param>
/// <param name="cancellation">Ends an evaluation.</param>
internal sealed class StepWork(
    PreparedRun run, ReducedBuffers reduced, CheckpointPublisher checkpoints, Action<WorkerMessage> report, Action<long, int> bucketFinal, Func<long> sentBytes,
    CancellationToken cancellation) : IDisposable
{
    /// <summary>After the last step the held-out part is evaluated whole, up to this many samples: minutes, not hours.</summary>
    private const int MaxFinalEvaluation = 10_000;

    private readonly PartialSet _partials = new(run.Tree, run.Pool, run.Format.FirstRounded);
    private readonly List<HostMemory> _staged = [];
    private readonly bool _isStaged = run.Replica.Device.type != TorchSharp.DeviceType.CPU;
    private StepClock _clock = new();
    private Generation _reported = Generation.None;
    private long _computing = -1;
    private int _stepSamples;
    private long _samples;
    private long _sentBefore;
    private int _behind;

    /// <summary>What is done behind an update: Saving or Evaluating; unspecified: nothing. Any thread.</summary>
    public WorkKind Behind => (WorkKind)Volatile.Read(ref _behind);

    /// <summary>Element 0 of each partial, as they will be when the pass at hand is done. Replaced, never changed.</summary>
    public IReadOnlyDictionary<TreeNode, nint> Addresses { get; private set; } = new Dictionary<TreeNode, nint>();

    /// <exception cref="Exception">What <see cref="FailureRule"/> describes.</exception>
    public void Compute(MemberWork.Compute work)
    {
        if (_computing != work.Step)
        {
            // Partials of a step that others decided are of no use.
            _partials.Clear();
            (_computing, _stepSamples) = (work.Step, 0);
        }

        using var batch = _clock.Measure(StepPhase.Data, () => run.ReadShare(work.Step - 1, work.Rank));
        _stepSamples += batch?.Count ?? 0;
        var buffer = run.Pool.Rent();
        _partials.Add(work.Rank, buffer);
        _clock.Measure(StepPhase.Compute, () =>
        {
            var isStreamed = work.IsStreamed && !_isStaged;
            if (!_isStaged)
            {
                Locate();
            }

            // The last rank's buckets are merged and sent while its backward pass runs.
            run.Replica.Pass.Compute(
                batch, work.Step - 1, work.Rank, run.Samples.BatchSize(work.Step - 1), buffer, run.Buckets, isStreamed ? bucket => Stream(work.Step, bucket) : null);
            if (!isStreamed)
            {
                Merge(0, run.Replica.Layout.ElementCount);
            }

            _partials.Complete();
            if (_isStaged && work.IsStreamed)
            {
                Locate();
            }

            return true;
        });
    }

    /// <exception cref="Exception">What <see cref="FailureRule"/> describes.</exception>
    public void Apply(MemberWork.Apply work)
    {
        var update = _clock.Measure(StepPhase.Update, () => Update(work));
        var samples = _computing == work.Step ? _stepSamples : 0;
        _samples += samples;
        Forget();
        var sent = sentBytes();
        if (work.Generation != Generation.None)
        {
            report(new WorkerMessage.Progress(
                work.Generation, work.Step, update.Loss, samples, update.GradientNorm, update.LearningRate, _clock.Seconds(), sent - _sentBefore)
            {
                // Whoever is gone may have been lost before its report was out: the others tell what they heard of its ranks.
                Ledger = run.Ledger.Take(work.Step, withPeers: work.Generation != _reported && work.Generation.Number > 1),
            });
            _reported = work.Generation;
            CheckpointAndEvaluate(work);
        }

        (_clock, _sentBefore) = (new StepClock(), sent);
    }

    /// <summary>Waits for the last checkpoint; writes it when this generation has not.</summary>
    public WorkerMessage.Finished Finish(MemberWork.Finish work)
    {
        checkpoints.Wait();
        if (checkpoints.Last.Step != work.Step || (work.IsLead && !checkpoints.Last.IsWritten))
        {
            checkpoints.Publish(work.Generation, work.IsLead);
            checkpoints.Wait();
        }

        return new WorkerMessage.Finished(work.Generation, work.Step, checkpoints.Last.WeightsSha256, _samples);
    }

    /// <summary>After a state was taken over.</summary>
    public void Forget()
    {
        _partials.Clear();
        _staged.ForEach(memory => memory.Dispose());
        _staged.Clear();
        Addresses = new Dictionary<TreeNode, nint>();
        _computing = -1;
    }

    public void Dispose() => Forget();

    private UpdateResult Update(MemberWork.Apply work)
    {
        var gradient = reduced.Use(work.Step);
        try
        {
            gradient.Memory.CopyTo(gradient.Flat);
            return run.Replica.Apply(gradient.Flat, work.Total);
        }
        finally
        {
            reduced.Release(work.Step);
        }
    }

    private void Stream(long step, int bucket)
    {
        Merge(run.Buckets[bucket].Offset, run.Buckets[bucket].Count);
        bucketFinal(step, bucket);
    }

    private void Merge(long offset, long count)
    {
        using var noGrad = no_grad();
        _partials.Merge(offset, count);
    }

    private void Locate()
    {
        _staged.ForEach(memory => memory.Dispose());
        _staged.Clear();
        var addresses = new Dictionary<TreeNode, nint>();
        foreach (var (node, buffer) in _partials.Partials)
        {
            var memory = HostMemory.Of(buffer);
            _staged.Add(memory);
            addresses[node] = memory.Address;
        }

        Addresses = addresses;
    }

    private void CheckpointAndEvaluate(MemberWork.Apply work)
    {
        var job = run.Job;
        if (work.IsLast || (job.Checkpoint.EverySteps > 0 && work.Step % job.Checkpoint.EverySteps == 0))
        {
            Volatile.Write(ref _behind, (int)WorkKind.Saving);
            checkpoints.Publish(work.Generation, work.IsLead);
        }

        if (work.IsLead && run.Data.HeldOut is { Count: > 0 } heldOut && (work.IsLast || (job.Evaluation.EverySteps > 0 && work.Step % job.Evaluation.EverySteps == 0)))
        {
            Volatile.Write(ref _behind, (int)WorkKind.Evaluating);
            var result = Evaluator.Run(
                run.Task, run.Replica.Model, run.Replica.Device, run.Data.Shape, heldOut, work.IsLast ? MaxFinalEvaluation : job.Evaluation.MaxSamples, job.Seed, cancellation);
            report(new WorkerMessage.Evaluated(work.Generation, work.Step, result.Loss, result.Accuracy, result.Samples));
        }

        Volatile.Write(ref _behind, (int)WorkKind.Unspecified);
    }
}
