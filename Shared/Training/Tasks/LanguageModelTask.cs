// N: samples; T: tokens of a sample; V: vocabulary.
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Training.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tasks;

/// <summary>Trains a <see cref="GptModel"/> to predict the next byte: cross entropy, in nats per byte, summed over N x T targets.</summary>
public sealed class LanguageModelTask(GptSpec spec) : TrainingTask
{
    public override nn.Module CreateModel(TaskContext context, SampleShape shape)
    {
        if (shape is not { Input: [var length], Classes: GptModel.Vocabulary } || length > spec.Context)
        {
            throw new TaskException($"model gpt reads up to {spec.Context} tokens of {GptModel.Vocabulary} kinds; a sample of this data is [{string.Join(", ", shape.Input)}] " +
                $"with {shape.Classes} classes. Use data of kind text.");
        }

        return new GptModel(spec);
    }

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var logits = ((nn.Module<Tensor, Tensor>)model).call(inputs); // [N, T, V]
        return LossSum(logits, targets);
    }

    public override long TargetsPerSample(SampleShape shape) => shape.Input[0];

    public override EvaluationSums Evaluate(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var scope = NewDisposeScope();
        var logits = ((nn.Module<Tensor, Tensor>)model).call(inputs); // [N, T, V]
        var correct = logits.argmax(-1).eq(targets).sum();
        return new EvaluationSums(LossSum(logits, targets).ToDouble(), correct.ToInt64());
    }

    private static Tensor LossSum(Tensor logits, Tensor targets)
    {
        using var rows = logits.view(-1, GptModel.Vocabulary); // [N x T, V]
        using var answers = targets.reshape(-1); // [N x T]
        return nn.functional.cross_entropy(rows, answers, reduction: nn.Reduction.Sum);
    }
}
