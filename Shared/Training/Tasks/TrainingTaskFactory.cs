using Orchestrator.Core.Jobs;
using Orchestrator.Training.Tasks.Loading;

namespace Orchestrator.Training.Tasks;

/// <summary>Makes the task that a job file names: a built-in model's, or the user's own from its assembly.</summary>
public static class TrainingTaskFactory
{
    /// <summary>Called once per worker process. The caller disposes the task.</summary>
    /// <exception cref="TaskException">The assembly or the type is not what is needed; says which and the cure.</exception>
    public static TrainingTask Create(JobSpec job) => (job.Model, job.Task) switch
    {
        (GptSpec gpt, null) => new LanguageModelTask(gpt),
        ({ } model, null) => new SupervisedTask(model),
        (null, { } task) => TaskAssembly.Load(task.Assembly).Create(task.Type),
        (null, null) => throw new TaskException($"Job '{job.Name}' names neither a model nor a task. Add a model section (kind gpt, cnn or mlp), or a task section with your own assembly and type."),
        _ => throw new TaskException($"Job '{job.Name}' names both a model and a task. Remove the one that is not meant."),
    };
}
