using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Models;
using Orchestrator.Training.Tasks;
using Orchestrator.Training.Tests.Data;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Models;

/// <summary>A pass leaves nothing behind but what it returns: users' worst trouble is tensors that live on.</summary>
public sealed class MemoryTests
{
    [Fact]
    public void Forward_OfEveryModel_LeavesOneTensorToDispose()
    {
        using var gpt = new GptModel(new GptSpec { Layers = 2, Heads = 2, Width = 16, Context = 8, Dropout = 0.1 });
        using var cnn = new CnnModel(new CnnSpec { BatchNorm = true, Dropout = 0.1 }, [1, 8, 8], 3);
        using var mlp = new MlpModel(new MlpSpec { Dropout = 0.1 }, [4], 3);
        using var tokens = zeros([2, 8], ScalarType.Int64);
        using var images = zeros(2, 1, 8, 8);
        using var rows = zeros(2, 4);
        foreach (var (model, input) in new[] { ((nn.Module<Tensor, Tensor>)gpt, tokens), (cnn, images), (mlp, rows) })
        {
            using var scope = NewDisposeScope();
            using var output = model.call(input);
            Assert.Equal(1, scope.DisposablesCount);
        }
    }

    [Fact]
    public void LossAndEvaluation_OfEveryTask_LeaveOnlyTheLoss()
    {
        using var tokens = zeros([2, 8], ScalarType.Int64);
        using var rows = zeros(2, 4);
        using var classes = zeros([2], ScalarType.Int64);
        using var values = zeros(2, 1);
        (ModelSpec Model, SampleShape Shape, Tensor Inputs, Tensor Targets)[] cases =
        [
            (new GptSpec { Layers = 1, Heads = 1, Width = 8, Context = 8 }, new SampleShape([8], 256), tokens, tokens),
            (new MlpSpec(), new SampleShape([4], 3), rows, classes),
            (new MlpSpec { Loss = "bce" }, new SampleShape([4], 2), rows, classes),
            (new MlpSpec(), new SampleShape([4], 0), rows, values),
        ];
        foreach (var (spec, shape, inputs, targets) in cases)
        {
            var job = Jobs.With(null, spec);
            using var task = TrainingTaskFactory.Create(job);
            using var model = task.CreateModel(new TaskContext(job, () => throw new InvalidOperationException("No data here.")), shape);
            using var scope = NewDisposeScope();
            task.Evaluate(model, inputs, targets);
            Assert.Equal(0, scope.DisposablesCount);
            using var loss = task.LossSum(model, inputs, targets);
            Assert.Equal(1, scope.DisposablesCount);
        }
    }
}
