using Orchestrator.Training.Models;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Models;

public sealed class UniformDropoutTests
{
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public void Forward_InTraining_DropsTheShareAndKeepsTheMean(double p)
    {
        manual_seed(1);
        using var dropout = new UniformDropout(p);
        using var input = ones(1000, 100);
        using var output = dropout.call(input);
        var values = output.data<float>().ToArray();
        Assert.InRange(values.Count(v => v == 0) / 1e5, p - 0.01, p + 0.01);
        Assert.All(values, v => Assert.True(v == 0 || Math.Abs(v - (1 / (1 - p))) < 1e-5));
    }

    [Fact]
    public void Forward_InEvaluationOrWithZero_ChangesNothing()
    {
        using var dropout = new UniformDropout(0.5);
        dropout.eval();
        using var none = new UniformDropout(0);
        using var input = randn(100);
        using var evaluated = dropout.call(input);
        using var untouched = none.call(input);
        Assert.Equal(input.data<float>().ToArray(), evaluated.data<float>().ToArray());
        Assert.Equal(input.data<float>().ToArray(), untouched.data<float>().ToArray());
    }

    [Fact]
    public void Backward_PassesTheMask()
    {
        using var dropout = new UniformDropout(0.5);
        using var input = ones(1000, requires_grad: true);
        using var output = dropout.call(input);
        output.sum().backward();
        Assert.Equal(output.detach().data<float>().ToArray(), input.grad!.data<float>().ToArray());
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1)]
    public void Constructor_NoProbability_SaysSo(double p) =>
        Assert.Contains("at least 0 and less than 1", Assert.Throws<ArgumentException>(() => new UniformDropout(p)).Message, StringComparison.Ordinal);
}
