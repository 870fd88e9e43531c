using Orchestrator.Telemetry.Events;

namespace Orchestrator.Telemetry.Tests.Events;

public class EventLogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("events-test-");

    private string LogPath => Path.Combine(_folder.FullName, EventLog.FileName);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Append_SomeEvents_AreLinesWithTheFourCommonProperties()
    {
        using (var log = EventLog.Open(LogPath, new FixedTime()))
        {
            log.Append("run.queued", 0, 0);
            log.Append("worker.ready", 1, 0, json =>
            {
                json.WriteString("worker", "w-1");
                json.WriteString("host", "m\u00fcller\n");
            });
        }

        Assert.Equal(
            "{\"time\":\"2025-03-04T05:06:07.089Z\",\"event\":\"run.queued\",\"generation\":0,\"step\":0}\n"
            + "{\"time\":\"2025-03-04T05:06:07.089Z\",\"event\":\"worker.ready\",\"generation\":1,\"step\":0,\"worker\":\"w-1\",\"host\":\"m\u00fcller\\n\"}\n",
            File.ReadAllText(LogPath));
        var read = EventLog.Read(LogPath).ToList();
        Assert.Equal(["run.queued", "worker.ready"], read.Select(item => item.Name));
        Assert.Equal((1, 0, new FixedTime().GetUtcNow()), (read[1].Generation, read[1].Step, read[1].Time));
        Assert.Equal("w-1", read[1].Fields.GetProperty("worker").GetString());
    }

    [Fact]
    public void Read_TornAtEveryByte_GivesTheWholeLinesAndTheNextWriterGoesOn()
    {
        using (var log = EventLog.Open(LogPath, new FixedTime()))
        {
            log.Append("one", 1, 1);
            log.Append("two", 1, 2, json => json.WriteString("text", "\u00fc"));
        }
        var whole = File.ReadAllBytes(LogPath);
        var firstLine = Array.IndexOf(whole, (byte)'\n') + 1;
        for (var length = 0; length <= whole.Length; length++)
        {
            File.WriteAllBytes(LogPath, whole[..length]);
            string[] kept = length == whole.Length ? ["one", "two"] : length >= firstLine ? ["one"] : [];

            Assert.Equal(kept, EventLog.Read(LogPath).Select(item => item.Name));
            using (var log = EventLog.Open(LogPath))
            {
                log.Append("three", 2, 3);
            }
            Assert.Equal([.. kept, "three"], EventLog.Read(LogPath).Select(item => item.Name));
        }
    }

    [Fact]
    public void Open_LogLargerThanABlockWithALongTornLine_IsCutBehindTheLastWholeOne()
    {
        using (var log = EventLog.Open(LogPath))
        {
            log.Append("long", 1, 1, json => json.WriteString("text", new string('x', 10_000)));
        }
        File.AppendAllText(LogPath, "{\"time\":\"" + new string('y', 9_000));

        using (var log = EventLog.Open(LogPath))
        {
            log.Append("next", 1, 2);
        }

        Assert.Equal(["long", "next"], EventLog.Read(LogPath).Select(item => item.Name));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("{\"time\":\"2025-03-04T05:06:07.089Z\",\"event\":\"x\",\"generation\":1}")]
    [InlineData("{\"time\":\"noon\",\"event\":\"x\",\"generation\":1,\"step\":1}")]
    [InlineData("[]")]
    public void Read_WholeLineThatIsNoEvent_IsNamedByItsNumber(string line)
    {
        using (var log = EventLog.Open(LogPath))
        {
            log.Append("one", 1, 1);
        }
        File.AppendAllText(LogPath, line + "\n");

        var error = Assert.Throws<InvalidDataException>(() => EventLog.Read(LogPath).ToList());

        Assert.Contains($"Line 2 of {LogPath} is not an event", error.Message);
    }

    [Fact]
    public void Read_WhileItIsWritten_SeesWhatIsThere()
    {
        using var log = EventLog.Open(LogPath);
        log.Append("one", 1, 1);

        Assert.Single(EventLog.Read(LogPath));
        log.Append("two", 1, 2);
        Assert.Equal(2, EventLog.Read(LogPath).Count());
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2025, 3, 4, 5, 6, 7, 89, TimeSpan.Zero);
    }
}
