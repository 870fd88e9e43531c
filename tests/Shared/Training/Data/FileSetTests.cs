using Orchestrator.Training.Data;
using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Tests.Data;

public sealed class FileSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Sha256_OfKnownFiles_NeverChanges()
    {
        // Pinned: a run's data hash is compared across hosts and versions.
        using var files = Open(("a.txt", "alpha"), ("sub/b.txt", "beta"), ("empty", ""));
        Assert.Equal("fede99df4900e67330b19211db2ad19be531297f641afeaf79772f5766999c4f", files.Sha256);
    }

    [Fact]
    public void Sha256_ByteMovedToAnotherFileOrOtherName_Differs()
    {
        using var one = Open(("a", "xy"), ("b", "z"));
        using var moved = Open(("a", "x"), ("b", "yz"));
        using var renamed = new FileSet([new DataFile("c", Path.Combine(_folder.Path, "a")), new DataFile("b", Path.Combine(_folder.Path, "b"))]);
        Assert.Equal(3, new[] { one.Sha256, moved.Sha256, renamed.Sha256 }.Distinct().Count());
    }

    [Fact]
    public void Read_MoreFilesThanMayBeOpen_ReadsEachOne()
    {
        using var files = Open([.. Enumerable.Range(0, 3 * FileSet.MaxOpenFiles).Select(i => ($"{i:000}", $"{i:000}"))]);
        var bytes = new byte[3];
        for (var i = 0; i < files.Count; i++)
        {
            files.Read(i, 0, bytes);
            Assert.Equal(i, int.Parse(bytes));
        }
    }

    [Fact]
    public void Read_FileTouchedWithTheSameBytes_GoesOn()
    {
        using var files = Open(("a", "same"));
        File.SetLastWriteTimeUtc(files.PathOf(0), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var bytes = new byte[4];
        files.Read(0, 0, bytes);
        Assert.Equal("same"u8.ToArray(), bytes);
    }

    [Theory]
    [InlineData("SAME")]
    [InlineData("s")]
    public void Read_FileChangedMeanwhile_IsRefusedWithBothHashes(string now)
    {
        using var files = Open(("a", "same"));
        File.WriteAllText(files.PathOf(0), now);
        File.SetLastWriteTimeUtc(files.PathOf(0), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var error = Assert.Throws<DataException>(() => files.Read(0, 0, new byte[4]));
        Assert.Contains("changed while the run was reading it: it had 4 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingFile_NamesIt()
    {
        var path = Path.Combine(_folder.Path, "gone.txt");
        var error = Assert.Throws<DataException>(() => new FileSet([new DataFile("gone.txt", path)]));
        Assert.StartsWith($"{path} does not exist.", error.Message, StringComparison.Ordinal);
    }

    private FileSet Open(params (string Name, string Text)[] files) => new([.. files.Select(f => new DataFile(f.Name, _folder.Write(f.Name, f.Text)))]);
}
