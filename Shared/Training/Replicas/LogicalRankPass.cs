using System.Collections.Immutable;
using Orchestrator.Core.Sampling;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>One forward and backward pass of one logical rank into a fresh flat buffer: a function of the state, the step and the rank.</summary>
/// <remarks>
/// Dropout and noise come from a stream of (seed, step, rank). The loss is the sum over the share divided by the whole step's targets,
/// so that gradients, statistics and losses of the ranks are plain summands. A gradient that no path reaches is +0.
/// </remarks>
public sealed class LogicalRankPass : IDisposable
{
    private readonly Replica _replica;
    private readonly StepBuffers _buffers;
    private readonly List<Parameter> _parameters;
    private readonly BucketTracker _tracker;
    private readonly long _seed;
    private readonly long _targetsPerSample;

    internal LogicalRankPass(Replica replica, ModelTensors tensors, StepBuffers buffers, long seed)
    {
        (_replica, _buffers, _seed) = (replica, buffers, seed);
        var byName = tensors.Trainable.ToDictionary(pair => pair.Name, pair => pair.Parameter, StringComparer.Ordinal);
        _parameters = [.. replica.Layout.Parameters.Select(entry => byName[entry.Name])];
        _tracker = new BucketTracker(_parameters);
        _targetsPerSample = replica.Task.TargetsPerSample(replica.Shape);
    }

    /// <param name="batch">The rank's share; null when it is empty: the result is +0.</param>
    /// <param name="step">Steps applied before this one.</param>
    /// <param name="logicalRank">In [0, V).</param>
    /// <param name="stepSamples">Samples of the whole step.</param>
    /// <param name="into">Overwritten.</param>
    /// <param name="buckets">With <paramref name="bucketReady"/>: the layout's.</param>
    /// <param name="bucketReady">Called with the index of each bucket as soon as its elements are final, in order, most of them during the backward pass.</param>
    public void Compute(
        Batch? batch, long step, int logicalRank, int stepSamples, FlatBuffer into, ImmutableArray<FlatBucket> buckets = default, Action<int>? bucketReady = null)
    {
        _tracker.Begin(bucketReady is null ? [] : buckets, bucketReady);
        if (batch is null)
        {
            using (no_grad())
            {
                into.Whole.zero_();
            }
        }
        else
        {
            Run(batch, step, logicalRank, stepSamples, into);
        }

        _tracker.End();
    }

    public void Dispose()
    {
        Detach();
        _tracker.Dispose();
    }

    private void Run(Batch batch, long step, int logicalRank, int stepSamples, FlatBuffer into)
    {
        using (no_grad())
        {
            into.Whole.zero_();
        }

        using var scope = NewDisposeScope();
        random.manual_seed(StreamSeed.LogicalRank(_seed, step, logicalRank));
        for (var i = 0; i < _parameters.Count; i++)
        {
            _parameters[i].grad = into.Gradients[i];
        }

        var inputs = batch.Inputs.to(_replica.Device);
        var targets = batch.Targets.to(_replica.Device);
        var sum = TaskGuard.Run(_replica.Task, "LossSum", () => _replica.Task.LossSum(_replica.Model, inputs, targets));
        if (sum.numel() != 1)
        {
            throw new TaskException($"{_replica.Task.GetType().Name}.LossSum returned a tensor of {sum.numel()} elements; one was expected: the sum over the batch's targets.");
        }

        var loss = sum * (1.0 / ((double)stepSamples * _targetsPerSample));
        loss.backward();
        using (no_grad())
        {
            into.Loss.copy_(loss.detach().view(1));
            _buffers.Collect(into, (double)batch.Count / stepSamples);
        }
    }

    /// <summary>Lets go of the gradient views, so that a buffer can be disposed.</summary>
    private void Detach() => _parameters.ForEach(parameter => parameter.grad = null);
}
