using Orchestrator.Core.Jobs;
using Orchestrator.Training.Models;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Models;

public sealed class MlpModelTests
{
    [Fact]
    public void Forward_InputOfSeveralDimensions_IsFlattened()
    {
        using var model = new MlpModel(new MlpSpec { Hidden = [5, 4] }, [1, 2, 3], 2);
        using var input = randn(7, 1, 2, 3);
        using var output = model.call(input);
        Assert.Equal([7, 2], output.shape);
        Assert.Equal((6 * 5) + 5 + (5 * 4) + 4 + (4 * 2) + 2, model.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void Forward_NoHiddenLayer_IsLinear()
    {
        using var model = new MlpModel(new MlpSpec { Hidden = [] }, [3], 1);
        Assert.Equal(["layers.0.weight", "layers.0.bias"], model.named_parameters().Select(p => p.name));
    }

    [Theory]
    [InlineData("he", 0.0433, 0.0451)] // sqrt(2 / 1024) = 0.0442
    [InlineData("auto", 0.0433, 0.0451)]
    [InlineData("xavier", 0.0353, 0.0368)] // sqrt(2 / (1024 + 512)) = 0.0361
    [InlineData("gpt2", 0.0196, 0.0204)]
    public void InitialWeights_ByRule_HaveItsDeviation(string rule, double low, double high)
    {
        manual_seed(1);
        using var model = new MlpModel(new MlpSpec { Hidden = [512], Init = rule }, [1024], 2);
        var weights = model.parameters().First().detach().data<float>().ToArray();
        Assert.InRange(Math.Sqrt(weights.Average(w => (double)w * w)), low, high);
    }

    [Fact]
    public void InitialWeights_UnknownRule_NamesTheKnownOnes()
    {
        var error = Assert.Throws<ArgumentException>(() => new MlpModel(new MlpSpec { Init = "kaiming" }, [2], 2));
        Assert.Contains("model.init is 'kaiming'; auto, he, xavier or gpt2 was expected", error.Message, StringComparison.Ordinal);
    }
}
