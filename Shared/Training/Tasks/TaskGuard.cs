using System.Diagnostics;
using Orchestrator.Training.Data;

namespace Orchestrator.Training.Tasks;

/// <summary>Calls the user's code; what it throws becomes one sentence that says where, instead of a stack trace.</summary>
public static class TaskGuard
{
    /// <exception cref="TaskException">The code threw: the sentence names the task, the call, the error and the place in the user's assembly.</exception>
    public static T Run<T>(TrainingTask task, string call, Func<T> code)
    {
        try
        {
            return code();
        }
        catch (Exception error) when (error is not (TaskException or DataException or OperationCanceledException))
        {
            throw new TaskException($"{task.GetType().Name}.{call} threw {error.GetType().Name}: {FirstLine(error.Message)}{Place(task, error)}", error);
        }
    }

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd();

    /// <summary>The innermost frame that lies in the task's own assembly.</summary>
    private static string Place(TrainingTask task, Exception error)
    {
        var frame = new StackTrace(error, fNeedFileInfo: true).GetFrames()
            .FirstOrDefault(candidate => candidate.GetMethod()?.Module.Assembly == task.GetType().Assembly);
        return frame?.GetMethod() is not { } method
            ? ""
            : frame.GetFileName() is { } file ? $" (in {method.Name}, {file}:{frame.GetFileLineNumber()})" : $" (in {method.Name})";
    }
}
