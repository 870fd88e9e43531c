using System.Reflection;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Parity.Tests.Support;

/// <summary>The example job files, read as `run` reads them.</summary>
internal static class Jobs
{
    private static readonly string Root =
        typeof(Jobs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "RepositoryRoot").Value!;

    /// <summary>An example with one logical rank and no dropout.</summary>
    /// <param name="example">Name of the file.</param>
    /// <param name="overrides">a.b=c, as after --set.</param>
    public static JobSpec Plain(string example, params string[] overrides)
    {
        var outcome = JobFile.Read(
            Path.Combine(Root, "examples", example),
            [.. overrides.Concat(["training.logicalRanks=1", "model.dropout=0", "workers.device=cpu"]).Select(JobOverride.FromSet)]);
        return outcome.Job ?? throw new InvalidOperationException(string.Join('\n', outcome.Errors));
    }
}
