using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Loshchilov and Hutter's AdamW: the weight decay does not pass through the moments.</summary>
public class AdamW : AdamBase
{
    public AdamW(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    public AdamW(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : base(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    private protected override Tensor Decay(Tensor param, Tensor gradient, Options options, Tensor scratch)
    {
        param.mul_(1 - options.LearningRate!.Value * options.weight_decay!.Value);
        return gradient;
    }
}
