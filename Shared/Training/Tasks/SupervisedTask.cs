using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Models;
using Orchestrator.Training.Tasks.Losses;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tasks;

/// <summary>Trains a built-in cnn or mlp on labelled samples: classes by cross entropy, values by squared error, yes or no by binary cross entropy.</summary>
/// <remarks>Which loss it is may depend on the data (loss: auto), so it is known from <see cref="CreateModel"/> on.</remarks>
public sealed class SupervisedTask(ModelSpec spec) : TrainingTask
{
    private SupervisedLoss? _loss;

    private SupervisedLoss Loss => _loss ?? throw new InvalidOperationException("SupervisedTask.CreateModel has not been called.");

    public override nn.Module CreateModel(TaskContext context, SampleShape shape)
    {
        _loss = LossRules.For(spec, shape);
        try
        {
            return spec switch
            {
                CnnSpec cnn when shape.Input.Length == 3 => new CnnModel(cnn, shape.Input, _loss.Outputs(shape)),
                CnnSpec => throw new TaskException($"model cnn reads images [C, H, W]; a sample of this data is [{string.Join(", ", shape.Input)}]. Use data of kind idx, or model mlp."),
                MlpSpec mlp => new MlpModel(mlp, shape.Input, _loss.Outputs(shape)),
                _ => throw new TaskException($"{spec.GetType().Name} is no model for labelled samples; cnn or mlp was expected."),
            };
        }
        catch (ArgumentException e)
        {
            throw new TaskException(e.Message, e);
        }
    }

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);
        return Loss.Sum(output, targets);
    }

    public override EvaluationSums Evaluate(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);
        return new EvaluationSums(Loss.Sum(output, targets).ToDouble(), Loss.Correct(output, targets));
    }
}
