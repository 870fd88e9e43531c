using Orchestrator.Core.Jobs;
using static TorchSharp.torch;

namespace Orchestrator.Training.Optimization;

/// <summary>Gradient descent with momentum and Nesterov's look-ahead, as PyTorch has them (Sutskever et al. 2013, with the rate outside of the momentum).</summary>
internal sealed class FlatSgd : FlatOptimizer
{
    private readonly Tensor? _momentum;

    public FlatSgd(OptimizerSpec spec, Tensor parameters, long decayedOffset)
        : base(spec, parameters, decayedOffset) =>
        _momentum = spec.Momentum != 0 ? AddSlot("momentum_buffer") : null;

    private protected override void Update(Tensor gradient, double learningRate, long step)
    {
        var direction = WithDecay(gradient);
        if (_momentum is not null)
        {
            _momentum.mul_(Spec.Momentum).add_(direction);
            direction = Spec.Nesterov ? direction.add(_momentum, alpha: Spec.Momentum) : _momentum;
        }

        Parameters.add_(direction, alpha: -learningRate);
    }
}
