using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Kingma and Ba's Adam, with the weight decay added to the gradient.</summary>
public class Adam : AdamBase
{
    public Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    public Adam(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0, bool amsgrad = false, bool maximize = false)
        : base(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize)
    {
    }

    private protected override Tensor Decay(Tensor param, Tensor gradient, Options options, Tensor scratch)
    {
        if (options.weight_decay is not { } decay || decay == 0)
        {
            return gradient;
        }

        AddInto.Run(gradient, param, decay, scratch);
        return scratch;
    }
}
