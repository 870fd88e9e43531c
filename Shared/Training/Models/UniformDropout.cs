using static TorchSharp.torch;

namespace Orchestrator.Training.Models;

/// <summary>Dropout whose mask comes from uniform numbers: each value is dropped with probability p, the others are divided by 1 - p.</summary>
/// <remarks>
/// The same rule as TorchSharp's Dropout with other random numbers. On the CPU libtorch's own draws each mask value as a Bernoulli
/// variable in double precision, which took 1.6 to 2.2 ms for 262,144 values against 0.7 ms this way: a fifth of a GPT's step.
/// </remarks>
internal sealed class UniformDropout : nn.Module<Tensor, Tensor>
{
    private readonly double _p;

    /// <param name="p">In [0, 1).</param>
    public UniformDropout(double p)
        : base(nameof(UniformDropout)) => _p = p is >= 0 and < 1 ? p : throw new ArgumentException($"model.dropout is {p}; at least 0 and less than 1 was expected.");

    public override Tensor forward(Tensor input)
    {
        if (!training || _p == 0)
        {
            return input.alias();
        }

        using var scope = NewDisposeScope();
        var kept = rand(input.shape, dtype: input.dtype, device: input.device).ge(_p);
        return (input * kept.to_type(input.dtype).mul_(1 / (1 - _p))).MoveToOuterDisposeScope();
    }
}
