using System.Globalization;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace SampleTasks;

/// <summary>Learns to multiply by the option "scale": sample i is (i, scale x i), the model one weight that starts at 0.</summary>
public sealed class ScaleTask : TrainingTask
{
    public override DataParts OpenData(TaskContext context)
    {
        var scale = float.Parse(context.Job.Task!.Options["scale"], CultureInfo.InvariantCulture);
        return new DataParts(new Multiples(scale), null, new string('0', 64), new SampleShape([1], 0));
    }

    public override nn.Module CreateModel(TaskContext context, SampleShape shape)
    {
        var model = nn.Linear(1, 1, hasBias: false);
        nn.init.zeros_(model.weight);
        return model;
    }

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);
        return nn.functional.mse_loss(output, targets, nn.Reduction.Sum);
    }

    private sealed class Multiples(float scale) : IDataSet
    {
        public long Count => 10;

        public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
        {
            float[] inputs = [.. ids.ToArray().Select(i => (float)i)];
            long[] shape = [ids.Length, 1];
            return new Batch(tensor(inputs, shape), tensor(inputs.Select(i => scale * i).ToArray(), shape), ids.Length);
        }

        public void Dispose()
        {
        }
    }
}
