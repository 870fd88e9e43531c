using System.Reflection;

namespace Orchestrator.Coordinator.Host;

/// <summary>The program's version: coordinator and workers of a run must have the same.</summary>
internal static class ProgramVersion
{
    public static string Text { get; } =
        typeof(ProgramVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
