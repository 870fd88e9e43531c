using Orchestrator.Coordinator.Host.Runs;

namespace Orchestrator.Coordinator.Tests.Folders;

/// <summary>Lines that the store has and the file lacks get their places; lines that only the file has keep theirs.</summary>
public sealed class MissedEventsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("missed-events-");

    [Theory]
    [InlineData("", "", "")]
    [InlineData("a b", "a b", "a b")]
    [InlineData("a", "a b c", "a b c")]
    [InlineData("", "a b", "a b")]
    [InlineData("a d", "a b c d e", "a b c d e")]
    [InlineData("b", "a b", "a b")]
    [InlineData("a b c", "c d", "a b c d")] // The store's first ones were pruned.
    [InlineData("a x b", "a b c", "a x b c")]
    [InlineData("a a b", "a a a b", "a a a b")]
    public void Merge_FileAndStore_HasEachLineOnceAndInOrder(string file, string stored, string merged) =>
        Assert.Equal(Lines(merged, 1), MissedEvents.Merge(Lines(file, 1), Lines(stored, 1)));

    [Fact]
    public void Merge_TheStoreHasOtherTimes_TheFilesLinesStay() =>
        Assert.Equal([.. Lines("a b", 1), .. Lines("c", 2)], MissedEvents.Merge(Lines("a b", 1), Lines("a b c", 2)));

    [Fact]
    public void Read_ALineThatIsTorn_IsNone()
    {
        var path = Path.Combine(_folder.FullName, "events.jsonl");
        Assert.Equal(0, MissedEvents.CountLines(path));
        File.WriteAllText(path, "{\"a\":1}\n{\"ä\":2}\n{\"c\"");
        Assert.Equal(2, MissedEvents.CountLines(path));
        Assert.Equal(["{\"a\":1}", "{\"ä\":2}"], MissedEvents.ReadLines(path));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string[] Lines(string names, int second) =>
        [.. names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => $"{{\"time\":\"2026-01-01T00:00:0{second}.000Z\",\"event\":\"{name}\"}}")];
}
