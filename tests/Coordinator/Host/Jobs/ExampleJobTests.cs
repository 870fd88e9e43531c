using Orchestrator.Coordinator.Host.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

public sealed class ExampleJobTests
{
    public static TheoryData<string> Examples => [.. Directory.GetFiles(Path.Combine(RepositoryRoot(), "examples"), "*.yaml", SearchOption.AllDirectories)];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Read_EveryExample_IsARightJob(string path) => Assert.Empty(JobFile.Read(path, []).Errors);

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Orchestrator.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException($"No Orchestrator.sln above {AppContext.BaseDirectory}.");
        }

        return folder;
    }
}
