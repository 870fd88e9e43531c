// N: samples; F: values of an input; K: outputs.
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Initializers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Models;

/// <summary>Fully connected layers with ReLU and dropout between them; input [N, ...] is flattened to [N, F], output [N, K].</summary>
public sealed class MlpModel : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Linear> layers;
    private readonly UniformDropout dropout;

    /// <param name="input">Shape of one input; F is the product.</param>
    /// <param name="outputs">K.</param>
    public MlpModel(MlpSpec spec, long[] input, int outputs)
        : base(nameof(MlpModel))
    {
        long[] widths = [input.Aggregate(1L, (a, b) => a * b), .. spec.Hidden.Select(h => (long)h), outputs];
        layers = nn.ModuleList(Enumerable.Range(0, widths.Length - 1).Select(i => nn.Linear(widths[i], widths[i + 1])).ToArray());
        dropout = new UniformDropout(spec.Dropout);
        RegisterComponents();
        InitRule.Apply(this, spec.Init, automatic: "he");
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input.flatten(1); // [N, F]
        for (var i = 0; i < layers.Count - 1; i++)
        {
            x = dropout.call(nn.functional.relu(layers[i].call(x)));
        }

        return layers[^1].call(x).MoveToOuterDisposeScope(); // [N, K]
    }
}
