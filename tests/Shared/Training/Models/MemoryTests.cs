using Orchestrator.Core.Jobs;
using Orchestrator.Training.Models;
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
}
