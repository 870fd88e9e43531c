using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Optimization;
using static TorchSharp.torch;

namespace Orchestrator.Parity.Tests;

/// <summary>Every update rule against torch.optim, on a quadratic whose gradient both sides compute for themselves.</summary>
public sealed class OptimizerParityTests(ITestOutputHelper output)
{
    private const int Size = 24, Steps = 25;

    private static readonly OptimizerSpec[] Specs =
    [
        new() { Kind = "sgd", LearningRate = 0.02 },
        new() { Kind = "sgd", LearningRate = 0.02, Momentum = 0.9 },
        new() { Kind = "sgd", LearningRate = 0.02, Momentum = 0.9, WeightDecay = 0.1 },
        new() { Kind = "sgd", LearningRate = 0.02, Momentum = 0.9, WeightDecay = 0.1, Nesterov = true },
        new() { Kind = "adam", LearningRate = 0.05 },
        new() { Kind = "adam", LearningRate = 0.05, WeightDecay = 0.1, Betas = [0.8, 0.95], Epsilon = 1e-6 },
        new() { Kind = "adamw", LearningRate = 0.05 },
        new() { Kind = "adamw", LearningRate = 0.05, WeightDecay = 0.1, Betas = [0.9, 0.95] },
        new() { Kind = "rmsprop", LearningRate = 0.01 },
        new() { Kind = "rmsprop", LearningRate = 0.01, Alpha = 0.9, WeightDecay = 0.1 },
        new() { Kind = "rmsprop", LearningRate = 0.01, Momentum = 0.9, WeightDecay = 0.1 },
    ];

    [Fact]
    public void Apply_EveryRule_TakesTheStepsOfTorchOptim()
    {
        Assert.SkipUnless(PyTorch.WhyMissing is null, PyTorch.WhyMissing ?? "");
        using var scope = NewDisposeScope();
        using var handOver = new HandOver();
        manual_seed(7);
        var (matrix, target, start) = (randn(Size, Size) / Math.Sqrt(Size), randn(Size), randn(Size));
        var ours = Specs.Select(spec => Minimise(spec, matrix, target, start)).ToArray();
        File.WriteAllText(handOver.PathOf("problem.json"), JsonSerializer.Serialize(
            new { matrix = Rows(matrix), target = Values(target), start = Values(start), steps = Steps, specs = Specs }, JsonSerializerOptions.Web));

        var theirs = PyTorch.Ask<float[][][]>("optimize.py", handOver.PathOf("problem.json"));

        foreach (var ((spec, own), other) in Specs.Zip(ours).Zip(theirs))
        {
            Assert.Equal(Steps, other.Length);
            var scale = other.Max(step => step.Max(Math.Abs));
            var difference = own.Zip(other, (a, b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Max()).Max() / scale;
            var rule = $"{spec.Kind} momentum {spec.Momentum} nesterov {spec.Nesterov} decay {spec.WeightDecay}: largest difference {difference:E2} of the largest value.";
            output.WriteLine(rule);
            Assert.True(difference <= 1e-5, rule);
            Assert.True(own[^1].Zip(Values(start), (x, y) => Math.Abs(x - y)).Max() > 0.05, $"{rule} Nothing moved.");
        }
    }

    private static float[][] Minimise(OptimizerSpec spec, Tensor matrix, Tensor target, Tensor start)
    {
        using var frozen = no_grad();
        var x = start.clone();
        using var optimizer = FlatOptimizer.Create(spec, x, 0);
        var path = new float[Steps][];
        for (var step = 0; step < Steps; step++)
        {
            var gradient = matrix.t().matmul(matrix.matmul(x) - target);
            optimizer.Apply(gradient, spec.LearningRate, step);
            path[step] = Values(x);
        }

        return path;
    }

    private static float[] Values(Tensor tensor) => tensor.data<float>().ToArray();

    private static float[][] Rows(Tensor matrix) => [.. Values(matrix).Chunk(Size)];
}
