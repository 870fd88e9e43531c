using Orchestrator.Core.Jobs;
using Orchestrator.Training.Models;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Models;

public sealed class CnnModelTests
{
    [Fact]
    public void Parameters_OfTheExampleSize_AreCountedAndNamed()
    {
        using var model = new CnnModel(new CnnSpec(), [1, 28, 28], 10);
        Assert.Equal(
            [
                "convolutions.0.weight", "convolutions.0.bias", "convolutions.1.weight", "convolutions.1.bias",
                "hidden.weight", "hidden.bias", "output.weight", "output.bias",
            ],
            model.named_parameters().Select(p => p.name));
        Assert.Equal(160 + 4640 + ((32 * 49 * 128) + 128) + 1290, model.parameters().Sum(p => p.numel()));
    }

    [Fact]
    public void BatchNorm_AddsItsParametersAndBuffers()
    {
        using var model = new CnnModel(new CnnSpec { BatchNorm = true }, [1, 28, 28], 10);
        Assert.Contains("norms.1.weight", model.named_parameters().Select(p => p.name));
        Assert.Equal(["norms.0.num_batches_tracked", "norms.0.running_mean", "norms.0.running_var"],
            model.named_buffers().Select(b => b.name).Where(n => n.StartsWith("norms.0", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(3, false, 28, 28)]
    [InlineData(5, true, 30, 17)]
    [InlineData(4, false, 9, 9)]
    public void Forward_AnyKernelAndSize_GivesLogits(int kernel, bool batchNorm, long height, long width)
    {
        using var model = new CnnModel(new CnnSpec { Kernel = kernel, BatchNorm = batchNorm, Dropout = 0.1 }, [3, height, width], 7);
        using var images = randn(2, 3, height, width);
        using var logits = model.call(images);
        Assert.Equal([2, 7], logits.shape);
    }

    [Fact]
    public void Constructor_ImagePooledAway_SaysSo()
    {
        var error = Assert.Throws<ArgumentException>(() => new CnnModel(new CnnSpec { Channels = [4, 4, 4, 4] }, [1, 8, 28], 10));
        Assert.Contains("pools images of 8 x 28 pixels 4 times, to 0 x 1", error.Message, StringComparison.Ordinal);
    }
}
