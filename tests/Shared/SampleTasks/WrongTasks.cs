using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace SampleTasks;

public sealed class NotATask;

public abstract class AbstractTask : TrainingTask
{
    public override nn.Module CreateModel(TaskContext context, SampleShape shape) => nn.Linear(1, 1);

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets) => inputs.sum();
}

public sealed class NeedyTask(int wanted) : AbstractTask
{
    public int Wanted { get; } = wanted;
}

public sealed class ThrowingTask : AbstractTask
{
    public ThrowingTask() => throw new InvalidOperationException("the sample's own words");
}
