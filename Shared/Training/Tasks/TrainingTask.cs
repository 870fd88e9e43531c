using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tasks;

/// <summary>What is trained: a model, its loss, and optionally its data. Derive from this to train a model of your own.</summary>
/// <remarks>
/// One instance per worker process, used from one thread. Everything it computes must be a function of its inputs and of the
/// random numbers that torch hands out: the engine seeds torch for every (seed, step, logical rank).
/// </remarks>
public abstract class TrainingTask : IDisposable
{
    /// <summary>Opens the data. The default opens what the job file's data section names.</summary>
    public virtual DataParts OpenData(TaskContext context) => context.OpenJobData();

    /// <summary>Builds the model with its initial weights; torch is seeded before the call. The engine disposes it.</summary>
    public abstract nn.Module CreateModel(TaskContext context, SampleShape shape);

    /// <summary>The sum (not the mean) of the losses of the batch's targets: a scalar that backward runs from.</summary>
    /// <param name="model">What <see cref="CreateModel"/> returned, in training or evaluation mode.</param>
    /// <param name="inputs">[N, ...] on the model's device.</param>
    /// <param name="targets">[N, ...] on the model's device.</param>
    public abstract Tensor LossSum(nn.Module model, Tensor inputs, Tensor targets);

    /// <summary>Loss terms of one sample: the loss that is minimised and shown is the sum divided by samples x this.</summary>
    public virtual long TargetsPerSample(SampleShape shape) => 1;

    /// <summary>Loss and number of right answers on held-out samples, without gradients. The default knows only the loss.</summary>
    public virtual EvaluationSums Evaluate(nn.Module model, Tensor inputs, Tensor targets)
    {
        using var loss = LossSum(model, inputs, targets);
        return new EvaluationSums(loss.ToDouble(), null);
    }

    /// <summary>How a persistent buffer that the model changes in its forward pass is carried to the next step. The default refuses.</summary>
    public virtual BufferRule RuleFor(string bufferName) => BufferRule.Fixed;

    public virtual void Dispose() => GC.SuppressFinalize(this);
}

/// <param name="LossSum">Sum over targets, in nats for cross entropy.</param>
/// <param name="Correct">Targets answered right; null when the task has no such notion.</param>
public readonly record struct EvaluationSums(double LossSum, long? Correct);

/// <summary>What becomes of a buffer at the end of a step. Batch normalisation's buffers are known without being named.</summary>
public enum BufferRule
{
    /// <summary>It never changes; a change is an error.</summary>
    Fixed = 0,

    /// <summary>The mean of the logical ranks' values, weighted by their samples, along the reduction tree.</summary>
    Mean = 1,

    /// <summary>A whole number that every forward pass raises by the same amount: applied once a step.</summary>
    Counter = 2,
}

/// <summary>What a task may know of the job it trains in.</summary>
/// <param name="Job">The resolved job file; <c>Job.Task.Options</c> holds the task's own settings.</param>
/// <param name="OpenJobData">Opens the job file's data section.</param>
public sealed record TaskContext(JobSpec Job, Func<DataParts> OpenJobData);
