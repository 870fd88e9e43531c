using Orchestrator.Core.Jobs;
using static TorchSharp.torch;

namespace Orchestrator.Training.Optimization;

/// <summary>RMSprop (Hinton's lecture 6e), not centred, with optional momentum.</summary>
internal sealed class FlatRmsProp : FlatOptimizer
{
    private readonly Tensor _square;
    private readonly Tensor? _momentum;

    public FlatRmsProp(OptimizerSpec spec, Tensor parameters, long decayedOffset)
        : base(spec, parameters, decayedOffset)
    {
        _square = AddSlot("square_avg");
        _momentum = spec.Momentum != 0 ? AddSlot("momentum_buffer") : null;
    }

    private protected override void Update(Tensor gradient, double learningRate, long step)
    {
        gradient = WithDecay(gradient);
        _square.mul_(Spec.Alpha).addcmul_(gradient, gradient, value: 1 - Spec.Alpha);
        var root = _square.sqrt().add_(Spec.Epsilon);
        if (_momentum is null)
        {
            Parameters.addcdiv_(gradient, root, value: -learningRate);
            return;
        }

        _momentum.mul_(Spec.Momentum).addcdiv_(gradient, root);
        Parameters.add_(_momentum, alpha: -learningRate);
    }
}
