// N: samples; T: tokens of a sample; C: channels (width); V: vocabulary.
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Initializers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Models;

/// <summary>A pre-LN decoder over bytes with learned positions, in the manner of GPT-2; input [N, T] int64, output logits [N, T, V].</summary>
/// <remarks>
/// The output layer is tied: it uses the token embedding's weight, which is one parameter and listed once, as tokens.weight.
/// T may be anything from 1 to the context. Here and in the other models, the names of the fields are those of the parameters in
/// checkpoints (RegisterComponents takes them): a field that is renamed makes old checkpoints unreadable.
/// </remarks>
public sealed class GptModel : nn.Module<Tensor, Tensor>
{
    /// <summary>Every byte value is a token.</summary>
    public const int Vocabulary = 256;

    private readonly int _context;
    private readonly Embedding tokens;
    private readonly Embedding positions;
    private readonly UniformDropout dropout;
    private readonly ModuleList<GptBlock> blocks;
    private readonly LayerNorm norm;

    /// <exception cref="ArgumentException">The width is no multiple of the heads, or a size is below 1.</exception>
    public GptModel(GptSpec spec)
        : base(nameof(GptModel))
    {
        if (spec.Layers < 1 || spec.Heads < 1 || spec.Context < 1 || spec.Width < 1 || spec.Width % spec.Heads != 0)
        {
            throw new ArgumentException($"model gpt has layers {spec.Layers}, heads {spec.Heads}, width {spec.Width} and context {spec.Context}; " +
                "each must be at least 1, and the width a multiple of the heads.");
        }

        _context = spec.Context;
        tokens = nn.Embedding(Vocabulary, spec.Width);
        positions = nn.Embedding(spec.Context, spec.Width);
        dropout = new UniformDropout(spec.Dropout);
        blocks = nn.ModuleList(Enumerable.Range(0, spec.Layers).Select(_ => new GptBlock(spec)).ToArray());
        norm = nn.LayerNorm(spec.Width);
        RegisterComponents();
        InitRule.Apply(this, spec.Init, automatic: "gpt2");
        ScaleResidualProjections(spec.Layers);
    }

    public override Tensor forward(Tensor input)
    {
        var length = input.shape[^1];
        if (length > _context)
        {
            throw new ArgumentException($"GptModel was given {length} tokens; its context is {_context}. Feed the last {_context} of them.");
        }

        using var scope = NewDisposeScope();
        var places = length == _context ? positions.weight! : positions.weight!.narrow(0, 0, length); // [T, C]
        var x = dropout.call(tokens.call(input) + places); // [N, T, C]
        foreach (var block in blocks)
        {
            x = block.call(x);
        }

        var logits = nn.functional.linear(norm.call(x), tokens.weight!); // [N, T, V]
        return logits.MoveToOuterDisposeScope();
    }

    // Each of the 2 x layers additions to the residual stream adds variance: GPT-2 makes up for it in the projections that feed them.
    private void ScaleResidualProjections(int layers)
    {
        using var frozen = no_grad();
        foreach (var (name, parameter) in named_parameters())
        {
            if (name.EndsWith(GptBlock.AttentionProjection, StringComparison.Ordinal) || name.EndsWith(GptBlock.FeedForwardProjection, StringComparison.Ordinal))
            {
                parameter.mul_(1 / Math.Sqrt(2.0 * layers));
            }
        }
    }
}
