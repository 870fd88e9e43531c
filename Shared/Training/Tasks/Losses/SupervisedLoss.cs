// N: samples; K: classes.
using Orchestrator.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tasks.Losses;

/// <summary>How a model's output is held against the targets. Stateless.</summary>
internal abstract class SupervisedLoss
{
    /// <summary>Values that the model puts out for a sample.</summary>
    public abstract int Outputs(SampleShape shape);

    /// <summary>The sum over the batch: a scalar that backward runs from.</summary>
    public abstract Tensor Sum(Tensor output, Tensor targets);

    /// <summary>Right answers; null when there is no such notion.</summary>
    public abstract long? Correct(Tensor output, Tensor targets);
}

/// <summary>Cross entropy, in nats: output [N, K] logits, targets [N] int64.</summary>
internal sealed class CrossEntropyLoss : SupervisedLoss
{
    public override int Outputs(SampleShape shape) => shape.Classes;

    public override Tensor Sum(Tensor output, Tensor targets) => nn.functional.cross_entropy(output, targets, reduction: nn.Reduction.Sum);

    public override long? Correct(Tensor output, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return output.argmax(-1).eq(targets).sum().ToInt64();
    }
}

/// <summary>Squared error: output [N, 1], targets [N, 1] float32.</summary>
internal sealed class SquaredErrorLoss : SupervisedLoss
{
    public override int Outputs(SampleShape shape) => 1;

    public override Tensor Sum(Tensor output, Tensor targets) => nn.functional.mse_loss(output, targets, nn.Reduction.Sum);

    public override long? Correct(Tensor output, Tensor targets) => null;
}

/// <summary>Binary cross entropy, in nats: output [N, 1] logits, targets [N] int64 or [N, 1] float32, each 0 or 1.</summary>
internal sealed class BinaryCrossEntropyLoss : SupervisedLoss
{
    public override int Outputs(SampleShape shape) => 1;

    public override Tensor Sum(Tensor output, Tensor targets)
    {
        using var answers = Answers(targets);
        return nn.functional.binary_cross_entropy_with_logits(output, answers, reduction: nn.Reduction.Sum);
    }

    public override long? Correct(Tensor output, Tensor targets)
    {
        using var scope = NewDisposeScope();
        return output.gt(0).eq(Answers(targets).gt(0.5)).sum().ToInt64();
    }

    private static Tensor Answers(Tensor targets)
    {
        using var column = targets.view(-1, 1); // [N, 1]
        return column.to_type(ScalarType.Float32, copy: true);
    }
}
