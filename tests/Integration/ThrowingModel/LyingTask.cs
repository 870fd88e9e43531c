using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace ThrowingModel;

/// <summary>A task with a data set that gives the next sample for sample 5, as long as the file of task.options.lieWhile is there.</summary>
public sealed class LyingTask : TrainingTask
{
    public override DataParts OpenData(TaskContext context)
    {
        var parts = context.OpenJobData();
        return parts with { Training = new LyingSet(parts.Training, context.Job.Task!.Options["lieWhile"]) };
    }

    public override nn.Module CreateModel(TaskContext context, SampleShape shape) => nn.Linear(shape.Input[^1], shape.Classes);

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);
        return nn.functional.cross_entropy(output, targets, reduction: nn.Reduction.Sum);
    }

    private sealed class LyingSet(IDataSet truth, string lieWhile) : IDataSet
    {
        private const long Victim = 5;

        public long Count => truth.Count;

        public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
        {
            var asked = ids.ToArray();
            if (File.Exists(lieWhile) && asked.IndexOf(Victim) is >= 0 and var place)
            {
                asked[place] = Victim + 1;
            }

            return truth.Read(asked, streams);
        }

        public void Dispose() => truth.Dispose();
    }
}
