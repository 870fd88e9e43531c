// N: samples; C, H, W: channels, height and width of an image; F: hidden units; K: classes.
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Initializers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Orchestrator.Training.Models;

/// <summary>Convolutions, each with optional batch normalisation, ReLU and 2 x 2 max pooling, then a hidden layer; [N, C, H, W] to logits [N, K].</summary>
public sealed class CnnModel : nn.Module<Tensor, Tensor>
{
    private readonly ModuleList<Conv2d> convolutions;
    private readonly ModuleList<BatchNorm2d> norms;
    private readonly Linear hidden;
    private readonly UniformDropout dropout;
    private readonly Linear output;

    /// <param name="input">[C, H, W].</param>
    /// <param name="outputs">K.</param>
    /// <exception cref="ArgumentException">The image is pooled away, or a size is below 1.</exception>
    public CnnModel(CnnSpec spec, long[] input, int outputs)
        : base(nameof(CnnModel))
    {
        var (channels, height, width) = (input[0], input[1], input[2]);
        List<Conv2d> layers = [];
        foreach (var next in spec.Channels)
        {
            layers.Add(nn.Conv2d(channels, next, spec.Kernel, padding: spec.Kernel / 2));
            // Padding keeps the size for an odd kernel and adds one for an even one; pooling halves it, rounding down.
            (channels, height, width) = (next, Pooled(height, spec.Kernel), Pooled(width, spec.Kernel));
        }

        if (height < 1 || width < 1 || spec.Hidden < 1)
        {
            throw new ArgumentException($"model cnn pools images of {input[1]} x {input[2]} pixels {spec.Channels.Length} times, to {height} x {width}, and has {spec.Hidden} hidden units; " +
                "at least one pixel and one unit must be left. Name fewer model.channels.");
        }

        convolutions = nn.ModuleList(layers.ToArray());
        norms = nn.ModuleList(spec.BatchNorm ? spec.Channels.Select(c => nn.BatchNorm2d(c)).ToArray() : []);
        hidden = nn.Linear(channels * height * width, spec.Hidden);
        dropout = new UniformDropout(spec.Dropout);
        output = nn.Linear(spec.Hidden, outputs);
        RegisterComponents();
        InitRule.Apply(this, spec.Init, automatic: "he");
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        var x = input;
        for (var i = 0; i < convolutions.Count; i++)
        {
            x = convolutions[i].call(x); // [N, C', H, W]
            x = nn.functional.relu(norms.Count > 0 ? norms[i].call(x) : x);
            x = nn.functional.max_pool2d(x, 2); // [N, C', H / 2, W / 2]
        }

        x = nn.functional.relu(hidden.call(x.flatten(1))); // [N, F]
        return output.call(dropout.call(x)).MoveToOuterDisposeScope(); // [N, K]
    }

    private static long Pooled(long size, int kernel) => (size + (2 * (kernel / 2)) - kernel + 1) / 2;
}
