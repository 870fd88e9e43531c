using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using Orchestrator.Training.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tests.Tasks;

public sealed class BuiltInTaskTests
{
    [Fact]
    public void LanguageModel_LossSum_IsTheSumOverTokens()
    {
        using var task = TrainingTaskFactory.Create(Jobs.With(null, new GptSpec { Layers = 1, Heads = 1, Width = 8, Context = 4 }));
        var shape = new SampleShape([4], 256);
        using var model = task.CreateModel(Context(), shape);
        using var tokens = zeros([3, 4], ScalarType.Int64);
        using var loss = task.LossSum(model, tokens, tokens);
        Assert.Empty(loss.shape);
        Assert.Equal(4, task.TargetsPerSample(shape));
        Assert.InRange(loss.ToDouble() / 12, Math.Log(256) - 0.5, Math.Log(256) + 0.5);

        var sums = task.Evaluate(model, tokens, tokens);
        Assert.Equal(loss.ToDouble(), sums.LossSum, 1e-4);
        Assert.InRange(sums.Correct!.Value, 0, 12);
    }

    [Fact]
    public void Mlp_ValuesByDefault_TakesSquaredError()
    {
        using var task = TrainingTaskFactory.Create(Jobs.With(null, new MlpSpec { Hidden = [] }));
        using var model = task.CreateModel(Context(), new SampleShape([2], 0));
        using var inputs = zeros(3, 2);
        using var targets = full(3, 1, 2f);
        using var loss = task.LossSum(model, inputs, targets);
        Assert.Equal(12, loss.ToDouble(), 1e-6);
        Assert.Null(task.Evaluate(model, inputs, targets).Correct);
    }

    [Fact]
    public void Mlp_BinaryCrossEntropy_TakesClassesOrValues()
    {
        using var task = TrainingTaskFactory.Create(Jobs.With(null, new MlpSpec { Hidden = [], Loss = "bce" }));
        using var model = task.CreateModel(Context(), new SampleShape([2], 2));
        using var inputs = zeros(3, 2);
        using var classes = tensor(new long[] { 0, 1, 0 });
        using var values = tensor(new float[] { 0, 1, 0 }, [3, 1]);
        using var byClass = task.LossSum(model, inputs, classes);
        using var byValue = task.LossSum(model, inputs, values);
        Assert.Equal(3 * Math.Log(2), byClass.ToDouble(), 1e-5);
        Assert.Equal(byClass.ToDouble(), byValue.ToDouble());
        Assert.Equal(2, task.Evaluate(model, inputs, classes).Correct);
    }

    [Fact]
    public void Cnn_Evaluate_CountsRightAnswers()
    {
        using var task = TrainingTaskFactory.Create(Jobs.With(null, new CnnSpec { Channels = [2], Hidden = 4 }));
        using var model = task.CreateModel(Context(), new SampleShape([1, 4, 4], 3));
        using var inputs = randn(20, 1, 4, 4);
        using var answers = ((nn.Module<Tensor, Tensor>)model).call(inputs).argmax(-1);
        Assert.Equal(20, task.Evaluate(model, inputs, answers).Correct);
    }

    public static TheoryData<ModelSpec, long[], int, string> Misfits => new()
    {
        { new GptSpec(), [1, 28, 28], 10, "model gpt reads up to 128 tokens of 256 kinds; a sample of this data is [1, 28, 28] with 10 classes" },
        { new CnnSpec(), [128], 256, "model cnn reads images [C, H, W]; a sample of this data is [128]" },
        { new CnnSpec(), [1, 28, 28], 0, "model cnn needs classes" },
        { new MlpSpec { Loss = "mse" }, [4], 3, "The loss mse needs values; this data's targets are 3 classes" },
        { new MlpSpec { Loss = "cross-entropy" }, [4], 0, "The loss cross-entropy needs classes" },
        { new MlpSpec { Loss = "bce" }, [4], 3, "The loss bce needs two classes; this data has 3" },
        { new MlpSpec { Loss = "hinge" }, [4], 3, "model.loss is 'hinge'; auto, cross-entropy, mse or bce was expected" },
        { new MlpSpec { Init = "zeros" }, [4], 3, "model.init is 'zeros'" },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public void CreateModel_DataThatDoesNotFit_SaysWhy(ModelSpec spec, long[] input, int classes, string complaint)
    {
        using var task = TrainingTaskFactory.Create(Jobs.With(null, spec));
        var error = Assert.Throws<TaskException>(() => { task.CreateModel(Context(), new SampleShape(input, classes)); });
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
    }

    private static TaskContext Context() => new(Jobs.With(null), () => throw new InvalidOperationException("No data here."));
}
