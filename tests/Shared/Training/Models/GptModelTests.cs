using Orchestrator.Core.Jobs;
using Orchestrator.Training.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Models;

public sealed class GptModelTests
{
    private static readonly GptSpec Small = new() { Layers = 2, Heads = 2, Width = 16, Context = 8 };

    [Fact]
    public void Parameters_OfTheExampleSize_AreCountedAndListedOnce()
    {
        using var model = new GptModel(new GptSpec());
        var names = model.named_parameters().Select(p => p.name).ToArray();
        Assert.Equal(names.Distinct(), names);
        // Tokens 256 x 128, positions 128 x 128, four blocks of 198,272, the last norm 256; the head is the tokens' weight.
        Assert.Equal(842_496, model.parameters().Sum(p => p.numel()));
        Assert.Empty(model.state_dict().Keys.Except(names));
    }

    [Fact]
    public void Names_OfOneBlock_AreStable()
    {
        using var model = new GptModel(Small with { Layers = 1 });
        Assert.Equal(
            [
                "tokens.weight", "positions.weight",
                "blocks.0.norm1.weight", "blocks.0.norm1.bias",
                "blocks.0.attention.qkv.weight", "blocks.0.attention.qkv.bias",
                "blocks.0.attention.projection.weight", "blocks.0.attention.projection.bias",
                "blocks.0.norm2.weight", "blocks.0.norm2.bias",
                "blocks.0.up.weight", "blocks.0.up.bias", "blocks.0.down.weight", "blocks.0.down.bias",
                "norm.weight", "norm.bias",
            ],
            model.named_parameters().Select(p => p.name));
    }

    [Fact]
    public void Forward_AnyLengthUpToTheContext_GivesLogitsForEachToken()
    {
        using var model = new GptModel(Small);
        using var whole = model.call(Tokens(3, 8));
        using var part = model.call(Tokens(1, 5));
        Assert.Equal([3, 8, 256], whole.shape);
        Assert.Equal([1, 5, 256], part.shape);
        Assert.Throws<ArgumentException>(() => model.call(Tokens(1, 9)));
    }

    [Fact]
    public void Forward_LaterTokenChanged_LeavesEarlierLogitsAlone()
    {
        using var model = new GptModel(Small);
        model.eval();
        using var tokens = Tokens(1, 8);
        using var changed = tokens.clone();
        changed[0, 5] = tensor(7L);
        using var before = model.call(tokens);
        using var after = model.call(changed);
        Assert.Equal(Values(before.narrow(1, 0, 5)), Values(after.narrow(1, 0, 5)));
        Assert.NotEqual(Values(before.narrow(1, 5, 3)), Values(after.narrow(1, 5, 3)));
    }

    [Fact]
    public void InitialWeights_Gpt2_HaveItsDeviationsAndAUniformGuess()
    {
        manual_seed(1);
        using var model = new GptModel(new GptSpec());
        var byName = model.named_parameters().ToDictionary(p => p.name, p => Values(p.parameter));
        Assert.InRange(Deviation(byName["blocks.3.attention.qkv.weight"]), 0.0195, 0.0205);
        Assert.InRange(Deviation(byName["tokens.weight"]), 0.0195, 0.0205);
        Assert.InRange(Deviation(byName["blocks.3.down.weight"]), 0.0195 / Math.Sqrt(8), 0.0205 / Math.Sqrt(8));
        Assert.InRange(Deviation(byName["blocks.0.attention.projection.weight"]), 0.0195 / Math.Sqrt(8), 0.0205 / Math.Sqrt(8));
        Assert.All(byName["blocks.1.up.bias"], b => Assert.Equal(0, b));
        Assert.All(byName["norm.weight"], w => Assert.Equal(1, w));

        using var tokens = Tokens(4, 128);
        using var logits = model.call(tokens);
        using var loss = nn.functional.cross_entropy(logits.view(-1, 256), (tokens.view(-1) + 100) % 256);
        Assert.InRange(loss.ToDouble(), Math.Log(256) - 0.3, Math.Log(256) + 0.3);
    }

    [Fact]
    public void InitialWeights_SameSeed_AreTheSameBits()
    {
        Assert.Equal(Draw(5), Draw(5));
        Assert.NotEqual(Draw(5), Draw(6));

        static float[] Draw(long seed)
        {
            manual_seed(seed);
            using var model = new GptModel(Small);
            return [.. model.parameters().SelectMany(Values)];
        }
    }

    [Fact]
    public void Forward_WithDropout_FollowsTheSeed()
    {
        using var model = new GptModel(Small with { Dropout = 0.5 });
        using var tokens = Tokens(2, 8);
        Assert.Equal(Pass(1), Pass(1));
        Assert.NotEqual(Pass(1), Pass(2));

        float[] Pass(long seed)
        {
            manual_seed(seed);
            using var logits = model.call(tokens);
            return Values(logits);
        }
    }

    [Theory]
    [InlineData(0, 1, 4, 4)]
    [InlineData(1, 3, 4, 4)]
    [InlineData(1, 1, 4, 0)]
    public void Constructor_ImpossibleSize_SaysWhich(int layers, int heads, int width, int context)
    {
        var error = Assert.Throws<ArgumentException>(() => new GptModel(new GptSpec { Layers = layers, Heads = heads, Width = width, Context = context }));
        Assert.Contains($"layers {layers}, heads {heads}, width {width} and context {context}", error.Message, StringComparison.Ordinal);
    }

    private static Tensor Tokens(long samples, long length) => (arange(samples * length) % 256).view(samples, length).to_type(ScalarType.Int64);

    private static float[] Values(Tensor tensor) => tensor.detach().contiguous().data<float>().ToArray();

    private static double Deviation(float[] values)
    {
        var mean = values.Average();
        return Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
    }
}
