// N: samples; T: tokens of a sample; C: channels (width).
using Orchestrator.Core.Jobs;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Models;

/// <summary>One layer of the decoder: attention, then a two-layer perceptron, each normalised before and added to the residual stream after.</summary>
internal sealed class GptBlock : nn.Module<Tensor, Tensor>
{
    /// <summary>Ends of the names of the weights that write to the residual stream.</summary>
    public const string AttentionProjection = "attention.projection.weight", FeedForwardProjection = "down.weight";

    /// <summary>Width of the perceptron's inner layer over C, as in GPT-2.</summary>
    private const int Expansion = 4;

    private readonly LayerNorm norm1;
    private readonly CausalAttention attention;
    private readonly LayerNorm norm2;
    private readonly Linear up;
    private readonly Linear down;
    private readonly UniformDropout dropout;

    public GptBlock(GptSpec spec)
        : base(nameof(GptBlock))
    {
        norm1 = nn.LayerNorm(spec.Width);
        attention = new CausalAttention(spec);
        norm2 = nn.LayerNorm(spec.Width);
        up = nn.Linear(spec.Width, Expansion * spec.Width);
        down = nn.Linear(Expansion * spec.Width, spec.Width);
        dropout = new UniformDropout(spec.Dropout);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input + attention.call(norm1.call(input)); // [N, T, C]
        var hidden = nn.functional.gelu(up.call(norm2.call(x))); // [N, T, 4C]
        x = x + dropout.call(down.call(hidden)); // [N, T, C]
        return x.MoveToOuterDisposeScope();
    }
}
