using System.Runtime.InteropServices;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ThrowingModel;

/// <summary>A task whose forward pass never returns, once: in the first process that comes to pass task.options.pass while the file of task.options.hangOnce is not there. It makes the file.</summary>
public sealed partial class HangingTask : TrainingTask
{
    public override nn.Module CreateModel(TaskContext context, SampleShape shape) =>
        new Model(shape, int.Parse(context.Job.Task!.Options["pass"], System.Globalization.CultureInfo.InvariantCulture), context.Job.Task.Options["hangOnce"]);

    public override Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var output = ((nn.Module<Tensor, Tensor>)model).call(inputs);
        return nn.functional.cross_entropy(output, targets, reduction: nn.Reduction.Sum);
    }

    [LibraryImport("libc", EntryPoint = "pause")]
    private static partial int Pause();

    private sealed class Model : nn.Module<Tensor, Tensor>
    {
        private readonly Linear layer;
        private readonly int hangAt;
        private readonly string file;
        private int passes;

        public Model(SampleShape shape, int hangAt, string file)
            : base(nameof(Model))
        {
            (layer, this.hangAt, this.file) = (nn.Linear(shape.Input[^1], shape.Classes), hangAt, file);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input)
        {
            if (++passes == hangAt && IsFirst())
            {
                // A native call: nothing in the process can end it.
                while (true)
                {
                    Pause();
                }
            }

            return layer.call(input);
        }

        private bool IsFirst()
        {
            try
            {
                new FileStream(file, FileMode.CreateNew).Dispose();
                return true;
            }
            catch (IOException)
            {
                return false;
            }
        }
    }
}
