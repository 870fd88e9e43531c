using Orchestrator.Core.Jobs;
using Orchestrator.Training.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Parity.Tests;

/// <summary>The deviations of initial weights are those that the papers give. Seeds are fixed; bounds are five standard errors of a sample's deviation.</summary>
public sealed class InitialWeightsTests
{
    private static readonly GptSpec Gpt = new() { Layers = 4, Width = 128, Heads = 4, Context = 128 };

    [Theory]
    [InlineData("tokens.weight", 0.02)]
    [InlineData("positions.weight", 0.02)]
    [InlineData("blocks.0.attention.qkv.weight", 0.02)]
    [InlineData("blocks.3.up.weight", 0.02)]
    [InlineData("blocks.1.attention.projection.weight", 0.02 / 2.8284271247461903)] // over the root of 2 x layers
    [InlineData("blocks.2.down.weight", 0.02 / 2.8284271247461903)]
    public void Gpt_Weight_HasGpt2sDeviation(string name, double deviation)
    {
        manual_seed(3);
        using var model = new GptModel(Gpt);
        AssertDeviation(model, name, deviation);
    }

    [Theory]
    [InlineData("he", "convolutions.1.weight", 0.11785113019775793)] // root of 2 / (16 x 3 x 3)
    [InlineData("he", "hidden.weight", 0.035714285714285712)] // root of 2 / (32 x 7 x 7)
    [InlineData("xavier", "convolutions.1.weight", 0.068041381743977183)] // root of 2 / ((16 + 32) x 3 x 3)
    [InlineData("xavier", "hidden.weight", 0.034340142)] // root of 2 / (32 x 7 x 7 + 128)
    [InlineData("gpt2", "hidden.weight", 0.02)]
    public void Cnn_Weight_HasTheRulesDeviation(string init, string name, double deviation)
    {
        manual_seed(3);
        using var model = new CnnModel(new CnnSpec { Init = init }, [1, 28, 28], 10);
        AssertDeviation(model, name, deviation);
    }

    [Fact]
    public void Xavier_Weights_StayWithinTheUniformBound()
    {
        manual_seed(3);
        using var model = new MlpModel(new MlpSpec { Init = "xavier", Hidden = [200] }, [100], 10);
        using var largest = model.get_parameter("layers.0.weight")!.abs().max();
        Assert.InRange(largest.ToDouble(), 0.99 * Math.Sqrt(6.0 / 300), Math.Sqrt(6.0 / 300));
    }

    private static void AssertDeviation(nn.Module model, string name, double expected)
    {
        using var scope = NewDisposeScope();
        var weight = model.get_parameter(name)!.detach();
        var error = 5 / Math.Sqrt(2.0 * weight.numel());
        Assert.InRange(weight.std().ToDouble(), expected * (1 - error), expected * (1 + error));
        Assert.InRange(Math.Abs(weight.mean().ToDouble()), 0, 5 * expected / Math.Sqrt(weight.numel()));
    }
}
