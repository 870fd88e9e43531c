using Orchestrator.Training.Data;
using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Tests.Data;

public sealed class FileGlobTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public FileGlobTests()
    {
        foreach (var name in new[] { "README.md", "a.cs", "Z.cs", "src/b.cs", "src/deep/c.cs", "src/deep/c.txt", "src-old/d.cs" })
        {
            _folder.Write(name, name);
        }

        foreach (var hidden in new[] { ".git", "bin", "obj", "artifacts", "runs", "src/bin", "src/deep/obj", "src/.cache" })
        {
            _folder.Write($"{hidden}/hidden.cs", "never");
        }
    }

    public void Dispose() => _folder.Dispose();

    private string[] Match(params string[] patterns) => [.. FileGlob.Match(patterns, _folder.Path).Select(f => f.Name)];

    [Fact]
    public void Match_DoubleStar_FindsEveryDepthInOrdinalOrder() =>
        Assert.Equal(["Z.cs", "a.cs", "src-old/d.cs", "src/b.cs", "src/deep/c.cs"], Match("**/*.cs"));

    [Fact]
    public void Match_SeveralPatterns_NameEachFileOnce() =>
        Assert.Equal(["README.md", "src/b.cs", "src/deep/c.cs"], Match("src/**/*.cs", "README.md", "src/b.cs"));

    [Fact]
    public void Match_BracesAndQuestionMark_Expand() =>
        Assert.Equal(["a.cs", "src/deep/c.cs", "src/deep/c.txt"], Match("src/deep/*.{cs,txt}", "./a.?s"));

    [Theory]
    [InlineData("bin/*.cs")]
    [InlineData(".git/**")]
    [InlineData("src/.cache/*.cs")]
    public void Match_FolderThatNeverMatches_SaysSo(string pattern)
    {
        var error = Assert.Throws<DataException>(() => Match(pattern));
        Assert.Contains($"No file matches '{pattern}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("bin, obj, artifacts, runs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Match_PlainFolder_SaysHowToNameItsFiles()
    {
        var error = Assert.Throws<DataException>(() => Match("README.md", "src"));
        Assert.Contains("'src' is a folder: write 'src/**'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Match_AbsolutePatternBelowARunsFolder_IsTheCallersWish()
    {
        var other = Path.Combine(_folder.Path, "elsewhere");
        Directory.CreateDirectory(other);
        var found = FileGlob.Match([$"{_folder.Path}/runs/*.cs"], other);
        Assert.Equal([$"{_folder.Path}/runs/hidden.cs"], found.Select(f => f.Name));
    }

    [Fact]
    public void Match_LinkToAFolder_IsNotFollowed()
    {
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "src", "loop"), _folder.Path);
        Assert.Equal(["src/b.cs", "src/deep/c.cs"], Match("src/**/*.cs"));
    }

    [Fact]
    public void Match_NoPattern_IsAnError() => Assert.Contains("data.paths is empty", Assert.Throws<DataException>(() => Match()).Message, StringComparison.Ordinal);
}
