using System.Reflection;

namespace Orchestrator.Training.Tasks.Loading;

/// <summary>A user's assembly and the tasks in it. Every failure is a sentence with the cure.</summary>
internal sealed class TaskAssembly
{
    private readonly string _path;
    private readonly Type[] _types;

    private TaskAssembly(string path, Type[] types)
    {
        _path = path;
        _types = types;
    }

    /// <param name="path">Absolute.</param>
    /// <exception cref="TaskException">There is no such file, it is no .NET assembly, or something it needs is missing.</exception>
    public static TaskAssembly Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new TaskException($"task.assembly {path} does not exist. Build your project first (dotnet build), and check the path: relative ones start at the project's root.");
        }

        try
        {
            return new TaskAssembly(path, new TaskLoadContext(path).LoadFromAssemblyPath(path).GetTypes());
        }
        catch (BadImageFormatException e)
        {
            throw new TaskException($"task.assembly {path} is no .NET assembly that this runtime can load: {e.Message} Name the .dll that your project builds.", e);
        }
        catch (ReflectionTypeLoadException e)
        {
            throw new TaskException($"task.assembly {path} was loaded, but not all of its types: {e.LoaderExceptions[0]?.Message} " +
                "Put what it needs beside it, and build it against this version of Orchestrator.Training.", e);
        }
        catch (IOException e)
        {
            throw new TaskException($"task.assembly {path} cannot be loaded: {e.Message}", e);
        }
    }

    /// <summary>Makes an instance of a task class.</summary>
    /// <param name="typeName">The full name, or the plain name when only one task has it.</param>
    /// <exception cref="TaskException">There is no such task, it cannot be made, or its constructor threw.</exception>
    public TrainingTask Create(string typeName)
    {
        var type = Find(typeName);
        if (!type.IsSubclassOf(typeof(TrainingTask)))
        {
            throw new TaskException($"task.type {type.FullName} in {_path} does not derive from {typeof(TrainingTask).FullName}. {TasksHere(typeName)}");
        }

        if (type.IsAbstract || type.ContainsGenericParameters)
        {
            throw new TaskException($"task.type {type.FullName} in {_path} is {(type.IsAbstract ? "abstract" : "generic")}: no instance can be made. {TasksHere(typeName)}");
        }

        var constructor = type.GetConstructor(Type.EmptyTypes)
            ?? throw new TaskException($"task.type {type.FullName} in {_path} has no public constructor without parameters. Add one; its settings come in TaskContext.Job.Task.Options.");
        try
        {
            return (TrainingTask)constructor.Invoke(null);
        }
        catch (TargetInvocationException e)
        {
            var cause = e.InnerException!;
            throw new TaskException($"The constructor of task {type.FullName} threw {cause.GetType().Name}: {cause.Message}", cause);
        }
    }

    private Type Find(string typeName)
    {
        var named = Array.Find(_types, t => t.FullName == typeName);
        var plain = Array.FindAll(_types, t => t.Name == typeName && t.IsSubclassOf(typeof(TrainingTask)));
        return named ?? (plain.Length == 1 ? plain[0] : throw new TaskException($"{_path} has no type {typeName}. {TasksHere(typeName)}"));
    }

    private string TasksHere(string typeName)
    {
        var tasks = _types.Where(t => t.IsSubclassOf(typeof(TrainingTask)) && !t.IsAbstract)
            .OrderBy(t => EditDistance.Between(typeName, t.FullName!)).ThenBy(t => t.FullName, StringComparer.Ordinal)
            .Select(t => t.FullName).Take(5).ToArray();
        return tasks.Length == 0
            ? "It has no task at all: derive a public class from Orchestrator.Training.Tasks.TrainingTask."
            : $"The tasks in it, nearest name first: {string.Join(", ", tasks)}.";
    }
}
