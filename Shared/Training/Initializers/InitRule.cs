using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Initializers;

/// <summary>Gives a model its initial weights by one of three rules; biases become 0, norms stay at scale 1 and shift 0.</summary>
/// <remarks>
/// he: normal with variance 2 / fan-in (He et al., 2015), for ReLU. xavier: uniform with variance 2 / (fan-in + fan-out) (Glorot and
/// Bengio, 2010). gpt2: normal with deviation 0.02 (Radford et al., 2019). Embeddings take the gpt2 rule whatever the rule is: their
/// fan means nothing. Weights are drawn in the order of named_modules, from torch's generator.
/// </remarks>
public static class InitRule
{
    public const double Gpt2Deviation = 0.02;

    private const string He = "he", Xavier = "xavier", Gpt2 = "gpt2", Auto = "auto";

    /// <param name="rule">auto, he, xavier or gpt2.</param>
    /// <param name="automatic">What auto means for this model.</param>
    /// <exception cref="ArgumentException">The rule is none of these.</exception>
    public static void Apply(nn.Module model, string rule, string automatic)
    {
        using var frozen = no_grad();
        var chosen = rule == Auto ? automatic : rule;
        foreach (var (_, module) in model.named_modules())
        {
            switch (module)
            {
                case Linear linear:
                    ApplyTo(linear.weight, linear.bias, chosen);
                    break;
                case Conv2d convolution:
                    ApplyTo(convolution.weight, convolution.bias, chosen);
                    break;
                case Embedding embedding:
                    nn.init.normal_(embedding.weight, 0, Gpt2Deviation);
                    break;
            }
        }
    }

    private static void ApplyTo(Tensor weight, Tensor? bias, string rule)
    {
        switch (rule)
        {
            case He:
                nn.init.kaiming_normal_(weight, nonlinearity: nn.init.NonlinearityType.ReLU);
                break;
            case Xavier:
                nn.init.xavier_uniform_(weight);
                break;
            case Gpt2:
                nn.init.normal_(weight, 0, Gpt2Deviation);
                break;
            default:
                throw new ArgumentException($"model.init is '{rule}'; auto, he, xavier or gpt2 was expected.", nameof(rule));
        }

        if (bias is not null)
        {
            nn.init.zeros_(bias);
        }
    }
}
