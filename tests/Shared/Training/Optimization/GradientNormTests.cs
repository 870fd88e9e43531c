using Orchestrator.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Optimization;

public sealed class GradientNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData((2 * GradientNorm.ChunkElements) + 17)] // cut into three
    public void Compute_SeveralGradients_IsTheirCommonNorm(int count)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var (first, second) = (randn(count), randn(3, 7));
        var expected = Math.Sqrt(first.to(ScalarType.Float64).square().sum().ToDouble() + second.to(ScalarType.Float64).square().sum().ToDouble());
        Assert.InRange(GradientNorm.Compute([first, second]), expected * (1 - 1e-4), expected * (1 + 1e-4));
    }

    [Theory]
    [InlineData(0.5f, 1.0, 1.0)]
    [InlineData(0.0f, 1.0, 1.0)]
    [InlineData(4.0f, 1.0, 0.25)]
    [InlineData(4.0f, 2.0, 0.5)]
    public void ClipFactor_OfANorm_BringsItToTheLimit(float norm, double limit, double factor) =>
        Assert.Equal(factor, GradientNorm.ClipFactor(norm, limit), 1e-6);
}
