using Orchestrator.Core.Jobs;
using static TorchSharp.torch;

namespace Orchestrator.Training.Optimization;

/// <summary>An update rule over all parameters at once, as one flat tensor: a step is a few long operations instead of a few for each parameter.</summary>
/// <remarks>
/// Every rule works element by element in PyTorch's order of operations, so the numbers are those of torch.optim over the single parameters.
/// Weight decay applies from <c>decayedOffset</c> to the end. State begins as zeros. Used from one thread, without gradient mode.
/// </remarks>
public abstract class FlatOptimizer : IDisposable
{
    private readonly List<(string Name, Tensor Values)> _slots = [];
    private readonly long _decayedOffset;

    private protected FlatOptimizer(OptimizerSpec spec, Tensor parameters, long decayedOffset)
    {
        (Spec, Parameters) = (spec, parameters);
        Decayed = spec.WeightDecay != 0 ? parameters.narrow(0, decayedOffset, parameters.numel() - decayedOffset).DetachFromDisposeScope() : null;
        _decayedOffset = decayedOffset;
    }

    /// <summary>The state's tensors by role (exp_avg, momentum_buffer, ...), each with one element for each parameter element.</summary>
    public IReadOnlyList<(string Name, Tensor Values)> Slots => _slots;

    private protected OptimizerSpec Spec { get; }

    private protected Tensor Parameters { get; }

    /// <summary>The parameters that decay, or null when none does.</summary>
    private protected Tensor? Decayed { get; }

    /// <param name="spec">Kind and constants.</param>
    /// <param name="parameters">[n]; changed in place by every step.</param>
    /// <param name="decayedOffset">The elements from here to the end decay.</param>
    public static FlatOptimizer Create(OptimizerSpec spec, Tensor parameters, long decayedOffset) => spec.Kind switch
    {
        "sgd" => new FlatSgd(spec, parameters, decayedOffset),
        "adam" => new FlatAdam(spec, parameters, decayedOffset, isDecoupled: false),
        "adamw" => new FlatAdam(spec, parameters, decayedOffset, isDecoupled: true),
        "rmsprop" => new FlatRmsProp(spec, parameters, decayedOffset),
        _ => throw new ArgumentException($"Optimizer {spec.Kind} is none of sgd, adam, adamw, rmsprop.", nameof(spec)),
    };

    /// <summary>Applies a gradient.</summary>
    /// <param name="gradient">[n]; only read.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="step">Steps applied before this one.</param>
    public void Apply(Tensor gradient, double learningRate, long step)
    {
        using var scope = NewDisposeScope();
        Update(gradient, learningRate, step);
    }

    public void Dispose()
    {
        _slots.ForEach(slot => slot.Values.Dispose());
        Decayed?.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract void Update(Tensor gradient, double learningRate, long step);

    private protected Tensor AddSlot(string name)
    {
        var values = zeros_like(Parameters).DetachFromDisposeScope();
        _slots.Add((name, values));
        return values;
    }

    /// <summary>The gradient with weight decay as an L2 term; a copy when there is decay.</summary>
    private protected Tensor WithDecay(Tensor gradient)
    {
        if (Decayed is null)
        {
            return gradient;
        }

        var sum = gradient.clone();
        sum.narrow(0, _decayedOffset, Decayed.numel()).add_(Decayed, alpha: Spec.WeightDecay);
        return sum;
    }
}
