using System.Reflection;
using System.Runtime.Loader;
using Orchestrator.Core.Jobs;
using static TorchSharp.torch;

namespace Orchestrator.Training.Tasks.Loading;

/// <summary>Loads a user's assembly with its own dependencies, but with this process's training library, so that the types are the same types.</summary>
internal sealed class TaskLoadContext(string assemblyPath) : AssemblyLoadContext(Path.GetFileNameWithoutExtension(assemblyPath))
{
    private static readonly Dictionary<string, Assembly> Shared =
        new[] { typeof(TrainingTask).Assembly, typeof(JobSpec).Assembly, typeof(Tensor).Assembly }.ToDictionary(a => a.GetName().Name!);

    private readonly AssemblyDependencyResolver _resolver = new(assemblyPath);

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (assemblyName.Name is { } name && Shared.TryGetValue(name, out var shared))
        {
            return shared;
        }

        var path = _resolver.ResolveAssemblyToPath(assemblyName);
        return path is null ? null : LoadFromAssemblyPath(path);
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName)
    {
        var path = _resolver.ResolveUnmanagedDllToPath(unmanagedDllName);
        return path is null ? 0 : LoadUnmanagedDllFromPath(path);
    }
}
