using Orchestrator.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>Makes a model's buffers part of the pure step: every logical rank starts from the step's values, and they move once a step.</summary>
internal sealed class StepBuffers : IDisposable
{
    private readonly ModelTensors _tensors;
    private readonly List<Tensor> _means;
    private readonly List<Tensor> _counters;
    private readonly List<Tensor> _fixed;
    private List<long[]>? _increments;

    public StepBuffers(ModelTensors tensors)
    {
        _tensors = tensors;
        _means = Copy(tensors.Means);
        _counters = Copy(tensors.Counters);
        _fixed = Copy(tensors.Fixed);
    }

    /// <summary>After a forward pass: takes the statistics, weighted, into the flat buffer, and puts the step's values back.</summary>
    /// <param name="into">The logical rank's buffer.</param>
    /// <param name="weight">The rank's samples divided by the step's.</param>
    /// <exception cref="TaskException">A buffer without a rule was changed.</exception>
    public void Collect(FlatBuffer into, double weight)
    {
        for (var i = 0; i < _means.Count; i++)
        {
            into.Statistics[i].copy_(_tensors.Means[i].Buffer);
            into.Statistics[i].mul_(weight);
            _tensors.Means[i].Buffer.copy_(_means[i]);
        }

        CollectCounters();
        for (var i = 0; i < _fixed.Count; i++)
        {
            using var same = _fixed[i].eq(_tensors.Fixed[i].Buffer).all();
            if (!same.ToBoolean())
            {
                throw new TaskException(
                    $"The forward pass changed buffer {_tensors.Fixed[i].Name}, which has no rule. Override RuleFor in the task: Mean for statistics of the " +
                    "batch, Counter for counts of passes; or keep the value outside of the model's buffers.");
            }
        }
    }

    /// <summary>Once a step, when the reduced statistics are held.</summary>
    public void Apply(FlatBuffer reduced)
    {
        for (var i = 0; i < _means.Count; i++)
        {
            _tensors.Means[i].Buffer.copy_(reduced.Statistics[i]);
            _means[i].copy_(reduced.Statistics[i]);
        }

        for (var i = 0; i < _counters.Count && _increments is not null; i++)
        {
            using var increment = tensor(_increments[i], _counters[i].shape, device: _counters[i].device).to(_counters[i].dtype);
            _counters[i].add_(increment);
            _tensors.Counters[i].Buffer.copy_(_counters[i]);
        }
    }

    /// <summary>After a checkpoint was loaded into the model: its values are the step's.</summary>
    public void Reload()
    {
        foreach (var (copy, (_, buffer)) in _means.Zip(_tensors.Means).Concat(_counters.Zip(_tensors.Counters)).Concat(_fixed.Zip(_tensors.Fixed)))
        {
            copy.copy_(buffer);
        }
    }

    public void Dispose()
    {
        foreach (var copy in _means.Concat(_counters).Concat(_fixed))
        {
            copy.Dispose();
        }
    }

    private static List<Tensor> Copy(List<(string Name, Tensor Buffer)> buffers) =>
        [.. buffers.Select(pair => pair.Buffer.detach().clone().DetachFromDisposeScope())];

    /// <summary>A counter rises by the same amount in every pass; a worker without a pass in the step must know it too, so it is learnt once and kept.</summary>
    private void CollectCounters()
    {
        if (_counters.Count == 0)
        {
            return;
        }

        var increments = new List<long[]>();
        for (var i = 0; i < _counters.Count; i++)
        {
            using var difference = (_tensors.Counters[i].Buffer - _counters[i]).to(ScalarType.Int64).cpu();
            increments.Add(difference.data<long>().ToArray());
            _tensors.Counters[i].Buffer.copy_(_counters[i]);
            if (_increments is not null && !_increments[i].AsSpan().SequenceEqual(increments[i]))
            {
                throw new TaskException(
                    $"Buffer {_tensors.Counters[i].Name} has the rule Counter, but a forward pass raised it by [{string.Join(", ", increments[i])}] after " +
                    $"[{string.Join(", ", _increments[i])}] before. A counter rises by the same amount in every pass.");
            }
        }

        _increments = increments;
    }
}
