using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Host.Training;

/// <summary>Loss and accuracy on held-out samples: no gradients, no dropout, nothing of the training state is touched.</summary>
internal static class Evaluator
{
    // A fixed batch, so that the sums do not depend on who evaluates. Small enough for the activations of a forward pass.
    private const int BatchSamples = 32;

    /// <param name="task">What is trained.</param>
    /// <param name="model">Its model; left in training mode.</param>
    /// <param name="device">The model's.</param>
    /// <param name="shape">Of the samples.</param>
    /// <param name="samples">The held-out part.</param>
    /// <param name="maxSamples">At most this many, from the first on.</param>
    /// <param name="seed">Of the job; held-out samples have no epoch.</param>
    public static EvaluationResult Run(
        TrainingTask task, nn.Module model, Device device, SampleShape shape, IDataSet samples, long maxSamples, long seed, CancellationToken cancellation)
    {
        model.eval();
        try
        {
            using var noGrad = no_grad();
            var count = Math.Min(samples.Count, maxSamples);
            var (loss, correct, knowsCorrect) = (0.0, 0L, count > 0);
            for (var first = 0L; first < count; first += BatchSamples)
            {
                cancellation.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                var ids = Enumerable.Range(0, (int)Math.Min(BatchSamples, count - first)).Select(i => first + i).ToArray();
                using var batch = samples.Read(ids, new SampleStreams(seed, 0));
                var sums = TaskGuard.Run(task, "Evaluate", () => task.Evaluate(model, batch.Inputs.to(device), batch.Targets.to(device)));
                loss += sums.LossSum;
                correct += sums.Correct ?? 0;
                knowsCorrect &= sums.Correct is not null;
            }

            var targets = (double)count * task.TargetsPerSample(shape);
            return new EvaluationResult(loss / targets, knowsCorrect ? correct / targets : null, count);
        }
        finally
        {
            model.train();
        }
    }
}

/// <param name="Loss">Mean per target.</param>
/// <param name="Accuracy">Share of targets answered right; null when the task has no such notion.</param>
/// <param name="Samples">Held-out samples used.</param>
internal readonly record struct EvaluationResult(double Loss, double? Accuracy, long Samples);
