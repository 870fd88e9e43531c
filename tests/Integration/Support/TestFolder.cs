namespace Orchestrator.Integration.Tests.Support;

/// <summary>A folder of one test; it goes with the test.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("orchestrator-test-");

    public string Path => _folder.FullName;

    /// <summary>A path in it that nothing has used.</summary>
    public string New(string name) => System.IO.Path.Combine(Path, $"{name}-{Guid.NewGuid():N}"[..(name.Length + 9)]);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
