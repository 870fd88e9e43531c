using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Optimization;

namespace Orchestrator.Parity.Tests;

/// <summary>Learning rates against those of torch.optim.lr_scheduler.</summary>
public sealed class ScheduleParityTests
{
    private const int Steps = 60;
    private const double Rate = 3e-3;

    private static readonly ScheduleSpec[] Specs =
    [
        new() { Kind = "constant" },
        new() { Kind = "constant", WarmupSteps = 10 },
        new() { Kind = "cosine" },
        new() { Kind = "cosine", FinalShare = 0.1 },
        new() { Kind = "cosine", WarmupSteps = 20, FinalShare = 0.05 },
        new() { Kind = "step", DropEverySteps = 15, DropFactor = 0.5 },
        new() { Kind = "step", DropEverySteps = 15, DropFactor = 0.1, WarmupSteps = 5 },
    ];

    [Fact]
    public void At_EveryKind_GivesTheRatesOfPyTorchsSchedulers()
    {
        Assert.SkipUnless(PyTorch.WhyMissing is null, PyTorch.WhyMissing ?? "");
        using var handOver = new HandOver();
        File.WriteAllText(handOver.PathOf("problem.json"), JsonSerializer.Serialize(new { rate = Rate, steps = Steps, specs = Specs }, JsonSerializerOptions.Web));

        var theirs = PyTorch.Ask<double[][]>("rates.py", handOver.PathOf("problem.json"));

        var optimizer = new OptimizerSpec { LearningRate = Rate };
        foreach (var (spec, rates) in Specs.Zip(theirs))
        {
            for (var step = 0; step < Steps; step++)
            {
                var own = LearningRateSchedule.At(optimizer, spec, step, Steps);
                Assert.True(Math.Abs(own - rates[step]) <= 1e-9 * Rate, $"{spec}: step {step} has {own:R}, PyTorch {rates[step]:R}.");
            }
        }
    }
}
