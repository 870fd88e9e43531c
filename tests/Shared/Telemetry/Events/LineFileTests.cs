using System.Text;
using Orchestrator.Telemetry.Events;

namespace Orchestrator.Telemetry.Tests.Events;

public sealed class LineFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("lines-test-");

    private string FilePath => Path.Combine(_folder.FullName, "events.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Append_ToAFileThatIsThere_ComesBehindWhatItHas()
    {
        File.WriteAllText(FilePath, "one\n");
        Append("m\u00fcller");
        Assert.Equal("one\nm\u00fcller\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void Open_TornAtEveryByte_KeepsTheWholeLinesAndGoesOn()
    {
        Append("one");
        Append("tw\u00f6");
        var whole = File.ReadAllBytes(FilePath);
        var firstLine = Array.IndexOf(whole, (byte)'\n') + 1;
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(FilePath, whole[..length]);
            string[] kept = length == whole.Length ? ["one", "tw\u00f6"] : length >= firstLine ? ["one"] : [];
            Append("three");
            Assert.Equal([.. kept, "three"], File.ReadAllLines(FilePath));
        }
    }

    [Fact]
    public void Open_LongerThanABlockWithALongTornLine_IsCutBehindTheLastWholeOne()
    {
        var line = new string('x', 10_000);
        Append(line);
        File.AppendAllText(FilePath, new string('y', 9_000));
        Append("next");
        Assert.Equal([line, "next"], File.ReadAllLines(FilePath));
    }

    [Fact]
    public void Append_SomebodyReadsMeanwhile_SeesWhatIsThere()
    {
        using var file = LineFile.Open(FilePath);
        file.Append("one\n"u8);
        using var reader = new StreamReader(new FileStream(FilePath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        Assert.Equal("one", reader.ReadLine());
        file.Append("two\n"u8);
        Assert.Equal("two", reader.ReadLine());
    }

    /// <summary>Whoever opens it without a right to may find a line that its writer is just writing.</summary>
    [Fact]
    public void Open_ItMayNotWrite_LeavesEvenATornLineAsItIs()
    {
        File.WriteAllText(FilePath, "one\ntw");
        Assert.Contains("may not be written any more", Assert.Throws<IOException>(() => LineFile.Open(FilePath, () => false)).Message, StringComparison.Ordinal);
        Assert.Equal("one\ntw", File.ReadAllText(FilePath));
    }

    private void Append(string line)
    {
        using var file = LineFile.Open(FilePath);
        file.Append(Encoding.UTF8.GetBytes($"{line}\n"));
    }
}
