using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ThrowingModel;

/// <summary>A task that throws where task.options.throwIn says: openData, createModel, or forward (of the fifth pass and later).</summary>
public sealed class ThrowingTask : TrainingTask
{
    public override DataParts OpenData(TaskContext context) =>
        ThrowsIn(context, "openData") ? throw new InvalidOperationException("no such warehouse") : context.OpenJobData();

    public override nn.Module CreateModel(TaskContext context, SampleShape shape) =>
        ThrowsIn(context, "createModel") ? throw new NotSupportedException("no such layer") : new Model(shape, ThrowsIn(context, "forward"));

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);
        return nn.functional.cross_entropy(output, targets, reduction: nn.Reduction.Sum);
    }

    private static bool ThrowsIn(TaskContext context, string place) => context.Job.Task!.Options.TryGetValue("throwIn", out var named) && named == place;

    private sealed class Model : nn.Module<Tensor, Tensor>
    {
        // The canary is a pass too, so the first step is whole: four logical ranks each.
        private const int GoodPasses = 1 + 4;

        private readonly Linear layer;
        private readonly bool throws;
        private int passes;

        public Model(SampleShape shape, bool throws)
            : base(nameof(Model))
        {
            layer = nn.Linear(shape.Input[^1], shape.Classes);
            this.throws = throws;
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) =>
            throws && ++passes > GoodPasses ? throw new InvalidOperationException("a shape does not fit") : layer.call(input);
    }
}

/// <summary>A task that cannot even be made.</summary>
public sealed class StillbornTask : TrainingTask
{
    public StillbornTask() => throw new InvalidOperationException("no licence key");

    public override nn.Module CreateModel(TaskContext context, SampleShape shape) => nn.Linear(1, 1);

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets) => inputs.sum();
}
