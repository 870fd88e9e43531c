using Orchestrator.Storage.Files;

namespace Orchestrator.Storage.Tests.Files;

public class AtomicFileTests
{
    [Fact]
    public void WriteText_OverAnOldFileAndALeftover_ReplacesBoth()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.json"), "old and longer");
        File.WriteAllText(folder.File("a.json.tmp"), "torn");

        AtomicFile.WriteText(folder.File("a.json"), "n\u00ebw");

        Assert.Equal("n\u00ebw", File.ReadAllText(folder.File("a.json")));
        Assert.Equal([folder.File("a.json")], Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void WriteText_KilledOrPowerCutAtEveryByteAndCall_LeavesTheOldOrTheNew()
    {
        var seen = new HashSet<string>();
        for (var unit = 0; ; unit++)
        {
            var files = new CrashingFileSystem();
            AtomicFile.WriteText("/a", "old", files);
            files.UnitsLeft = unit;
            var isDone = Record.Exception(() => AtomicFile.WriteText("/a", "newer", files)) is null;
            foreach (var after in new[] { files.AfterKill(), files.AfterPowerCut(null), files.AfterPowerCut(new Random(unit)) })
            {
                using var map = after.Map("/a");
                var text = System.Text.Encoding.UTF8.GetString(map.Slice(0, (int)map.Length));
                Assert.Contains(text, isDone ? ["newer"] : new[] { "old", "newer" });
                seen.Add(text);
            }
            if (isDone)
            {
                break;
            }
        }
        Assert.Equal(2, seen.Count);
    }

    [Fact]
    public void WriteText_NoSuchFolder_IsTyped()
    {
        using var folder = new TemporaryFolder();

        var error = Assert.Throws<StorageException>(() => AtomicFile.WriteText(folder.File("none/a.json"), "x"));

        Assert.Equal(StorageFailure.NotFound, error.Failure);
    }
}
