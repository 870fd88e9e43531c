using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace Orchestrator.Training.Replicas;

/// <summary>Copies one tensor of a checkpoint into its place.</summary>
internal static class StateTensors
{
    /// <exception cref="TaskException">It is missing, or has another shape.</exception>
    public static void CopyInto(Tensor target, Tensor? source, string name)
    {
        if (source is null)
        {
            throw new TaskException($"The checkpoint has no tensor {name}, which the model needs. Resume with the job file that the checkpoint was made with.");
        }

        using (source)
        {
            if (!source.shape.AsSpan().SequenceEqual(target.shape))
            {
                throw new TaskException(
                    $"Tensor {name} is [{string.Join(", ", source.shape)}] in the checkpoint and [{string.Join(", ", target.shape)}] in the model. " +
                    "Resume with the job file that the checkpoint was made with.");
            }

            target.copy_(source);
        }
    }
}
