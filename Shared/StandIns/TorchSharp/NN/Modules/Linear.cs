using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary><c>y = x W^T + b</c>; weight <c>[out, in]</c>.</summary>
public class Linear : nn.Module<Tensor, Tensor>
{
    internal Linear(long inputSize, long outputSize, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(Linear))
    {
        in_features = inputSize;
        out_features = outputSize;
        weight = new Parameter(empty(outputSize, inputSize, dtype, device));
        DefaultInitialisation.Weight(weight);
        register_parameter("weight", weight);
        if (hasBias)
        {
            bias = new Parameter(empty(outputSize, dtype, device));
            DefaultInitialisation.Bias(bias, inputSize);
            register_parameter("bias", bias);
        }
    }

    public long in_features { get; }

    public long out_features { get; }

    public Parameter weight { get; }

    public Parameter? bias { get; }

    public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, weight, bias);
}

/// <summary>What PyTorch does where the user says nothing.</summary>
internal static class DefaultInitialisation
{
    /// <summary>Uniform within 1 / sqrt(fan-in): He's rule with a = sqrt(5).</summary>
    internal static void Weight(Parameter weight) => nn.init.kaiming_uniform_(weight, Math.Sqrt(5.0));

    internal static void Bias(Parameter bias, long fanIn)
    {
        var bound = fanIn > 0 ? 1 / Math.Sqrt(fanIn) : 0;
        nn.init.uniform_(bias, -bound, bound);
    }
}
