namespace Orchestrator.Training.Tasks;

/// <summary>What is wrong with a task or a model for this job, and the cure, in one sentence a person can act on.</summary>
public sealed class TaskException(string message, Exception? inner = null) : Exception(message, inner);
