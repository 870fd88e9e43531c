using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;

namespace Orchestrator.Training.Tasks.Losses;

/// <summary>Chooses the loss of a built-in model: by the job file for an mlp, by the data's targets where that says auto.</summary>
internal static class LossRules
{
    /// <exception cref="TaskException">The loss does not fit the data's targets.</exception>
    public static SupervisedLoss For(ModelSpec spec, SampleShape shape)
    {
        var wanted = spec is MlpSpec { Loss: var named } && named != "auto" ? named : shape.Classes > 0 ? "cross-entropy" : "mse";
        return wanted switch
        {
            "cross-entropy" when shape.Classes > 0 && spec is MlpSpec or CnnSpec => new CrossEntropyLoss(),
            "mse" when shape.Classes == 0 && spec is MlpSpec => new SquaredErrorLoss(),
            // Targets that are real numbers may be 0 and 1 too; that they are is the person's word.
            "bce" when shape.Classes is 0 or 2 => new BinaryCrossEntropyLoss(),
            "cross-entropy" => throw new TaskException("The loss cross-entropy needs classes; this data's targets are values. Set data.targetKind: classes, or model.loss: mse."),
            "mse" => spec is CnnSpec
                ? throw new TaskException("model cnn needs classes; this data's targets are values. Use model mlp.")
                : throw new TaskException($"The loss mse needs values; this data's targets are {shape.Classes} classes. Set data.targetKind: value, or model.loss: cross-entropy."),
            "bce" => throw new TaskException($"The loss bce needs two classes; this data has {shape.Classes}. Set model.loss: cross-entropy."),
            _ => throw new TaskException($"model.loss is '{wanted}'; auto, cross-entropy, mse or bce was expected."),
        };
    }
}
