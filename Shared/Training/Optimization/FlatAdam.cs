using Orchestrator.Core.Jobs;
using static TorchSharp.torch;

namespace Orchestrator.Training.Optimization;

/// <summary>Adam (Kingma and Ba 2015), and AdamW with decoupled weight decay (Loshchilov and Hutter 2019).</summary>
internal sealed class FlatAdam : FlatOptimizer
{
    private readonly bool _isDecoupled;
    private readonly Tensor _mean;
    private readonly Tensor _square;

    public FlatAdam(OptimizerSpec spec, Tensor parameters, long decayedOffset, bool isDecoupled)
        : base(spec, parameters, decayedOffset) =>
        (_isDecoupled, _mean, _square) = (isDecoupled, AddSlot("exp_avg"), AddSlot("exp_avg_sq"));

    private protected override void Update(Tensor gradient, double learningRate, long step)
    {
        var (beta1, beta2) = (Spec.Betas[0], Spec.Betas[1]);
        if (_isDecoupled)
        {
            Decayed?.mul_(1 - (learningRate * Spec.WeightDecay));
        }
        else
        {
            gradient = WithDecay(gradient);
        }

        _mean.mul_(beta1).add_(gradient, alpha: 1 - beta1);
        _square.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
        var correction1 = 1 - Math.Pow(beta1, step + 1);
        var correction2 = 1 - Math.Pow(beta2, step + 1);
        var denominator = _square.sqrt().div_(Math.Sqrt(correction2)).add_(Spec.Epsilon);
        Parameters.addcdiv_(_mean, denominator, value: -learningRate / correction1);
    }
}
