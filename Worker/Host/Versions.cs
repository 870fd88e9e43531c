using System.Reflection;

namespace Orchestrator.Worker.Host;

/// <summary>The program's version: coordinator and workers of a run must have the same.</summary>
internal static class Versions
{
    public static string Program { get; } =
        typeof(Versions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
