using Orchestrator.Coordinator.Host.Runs;

namespace Orchestrator.Coordinator.Tests.Folders;

public sealed class LatestLinkTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("latest-");

    [Fact]
    public void Point_SeveralRuns_LeadsToTheNewest()
    {
        foreach (var run in new[] { "first", "second", "third" })
        {
            var path = _folder.CreateSubdirectory(run).FullName;
            File.WriteAllText(Path.Combine(path, "name"), run);
            LatestLink.Point(path);
            Assert.Equal(run, File.ReadAllText(Path.Combine(_folder.FullName, LatestLink.Name, "name")));
        }

        Assert.Equal(4, _folder.GetFileSystemInfos().Length);
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
