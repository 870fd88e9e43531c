using System.Collections.Immutable;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Storage.Tests.Ledger;

public sealed class LedgerFileTests : IDisposable
{
    private static readonly LedgerStart Start = new(new RunId("run"), 0, 7, 8, 2, null, 100, "abcd");

    private readonly string _folder = Directory.CreateTempSubdirectory("ledger-").FullName;

    private string Path => System.IO.Path.Combine(_folder, LedgerReader.FileName);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Read_AfterAppends_GivesThemInOrder()
    {
        Write(Path, Start, 1, 2, 3);

        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2", "0: 3"], Words());
    }

    [Fact]
    public void Open_CutOffAtAnyByte_GoesOnBehindTheLastWholeRecord()
    {
        Write(Path, Start, 1, 2);
        var whole = File.ReadAllBytes(Path);
        Write(Path, null, 3);
        var longer = File.ReadAllBytes(Path);
        for (var length = whole.Length; length < longer.Length; length++)
        {
            File.WriteAllBytes(Path, longer[..length]);
            Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2"], Words());
            Write(Path, Start with { Step = 2 }, 3);
            Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2", "lineage 1 from 2", "1: 3"], Words());
        }
    }

    [Fact]
    public void Open_CutOffWithinTheFirstBytes_BeginsAnew()
    {
        File.WriteAllText(Path, "ORL");

        Write(Path, Start, 1);

        Assert.Equal(["lineage 0 from 0", "0: 1"], Words());
    }

    [Fact]
    public void Open_DamagedInTheMiddle_IsRefusedAndSaysWhere()
    {
        Write(Path, Start, 1, 2, 3);
        var bytes = File.ReadAllBytes(Path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(Path, bytes);

        var error = Assert.Throws<StorageException>(() => LedgerWriter.Open(Path));

        Assert.Equal(StorageFailure.Corrupt, error.Failure);
        Assert.Contains($"{Path} is damaged at byte ", error.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, File.ReadAllBytes(Path));
    }

    /// <summary>A take-over read the whole ledger five times.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void ReadEnd_AnyLedger_IsTheEndOfTheWhole(int seed)
    {
        const int wanted = 128;
        var random = new Random(seed);
        using (var writer = LedgerWriter.Open(Path))
        {
            var step = 0L;
            for (var lineage = random.Next(1, 4); lineage > 0; lineage--)
            {
                step = random.NextInt64(step + 1);
                writer.Begin(Start with { Step = step }, null);
                for (var count = random.Next(4) == 0 ? 0 : random.Next(6000); count > 0; count--)
                {
                    step++;
                    writer.Append([.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => Report(step))]);
                }
            }
        }

        var (present, reports) = (LedgerReader.Read(Path).OfType<LedgerRecord.Lineage>().Last(), new List<FedReport>());
        foreach (var fed in LedgerReader.Read(Path).OfType<LedgerRecord.Fed>().Where(fed => fed.LineageNumber == present.Number))
        {
            reports.Add(fed.Report);
        }

        var whole = File.ReadAllBytes(Path);
        for (var torn = 0; torn < 3; torn++)
        {
            File.WriteAllBytes(Path, [.. whole, .. new byte[torn * 5]]);
            var end = LedgerEnd.Read(Path, wanted);

            Assert.Equal((whole.Length, present), (end.EndBytes, end.Lineage));
            var first = reports.Count == 0 ? 0 : reports[^1].Step - wanted + 1;
            Assert.Equal(Steps(reports.Where(report => report.Step >= first)), Steps(end.Reports.Where(report => report.Step >= first)));
            Assert.True(end.Reports.Length <= reports.Count(report => report.Step >= first) + (8 * LedgerEnd.MarkEvery), $"{end.Reports.Length} reports were read");
        }

        static IEnumerable<long> Steps(IEnumerable<FedReport> some) => some.Select(report => report.Step);
    }

    [Fact]
    public void ReadEnd_DamagedNearTheEnd_IsRefusedAndLongBeforeItIsLeftToTheCheck()
    {
        Write(Path, Start);
        var begin = new FileInfo(Path).Length;
        Write(Path, null, 1);
        var record = new FileInfo(Path).Length - begin;
        Write(Path, null, [.. Enumerable.Range(2, 4000).Select(step => (long)step)]);
        var bytes = File.ReadAllBytes(Path);
        bytes[begin + (50 * record) - 1] ^= 1;
        File.WriteAllBytes(Path, bytes);
        Assert.Throws<StorageException>(() => LedgerWriter.Open(Path));
        using (var writer = LedgerWriter.Open(Path, isChecked: false))
        {
            writer.Append([Report(4002)]);
        }

        Assert.Equal(4002, LedgerEnd.Read(Path, 10).Reports[^1].Step);
        bytes = File.ReadAllBytes(Path);
        bytes[^80] ^= 1;
        File.WriteAllBytes(Path, bytes);
        Assert.Throws<StorageException>(() => LedgerEnd.Read(Path, 10));
    }

    [Fact]
    public void Open_ForeignFile_IsRefused()
    {
        File.WriteAllText(Path, "not a ledger");

        Assert.Contains("does not begin as a ledger does", Assert.Throws<StorageException>(() => LedgerWriter.Open(Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Begin_AgainInTheSameRun_OnlyStepsThatAreTakenAgainMakeALineage()
    {
        using (var writer = LedgerWriter.Open(Path))
        {
            writer.Begin(Start, null);
            writer.Append([Report(1), Report(2)]);
            writer.Begin(Start with { Step = 2 }, null);
            writer.Append([Report(3)]);
            writer.Begin(Start with { Step = 1 }, null);
            writer.Append([Report(2)]);
        }

        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2", "0: 3", "lineage 1 from 1", "1: 2"], Words());
    }

    [Fact]
    public void Begin_FromAnotherRunsCheckpoint_TakesOverWhatCounts()
    {
        var former = System.IO.Path.Combine(_folder, "former");
        Write(former, Start, 1, 2, 3, 4);
        Write(former, Start with { Step = 2 }, 3, 4, 5);

        Write(Path, Start with { Step = 4 }, former, 5);

        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2", "lineage 1 from 2", "1: 3", "1: 4", "lineage 2 from 4", "2: 5"], Words());
    }

    [Fact]
    public void Begin_TheFormerLedgerIsGone_BeginsWhereTheCheckpointEnds()
    {
        Write(Path, Start with { Step = 4 }, System.IO.Path.Combine(_folder, "gone"), 5);

        Assert.Equal(["lineage 0 from 4", "0: 5"], Words());
    }

    /// <summary>A disk that took a part of a write and did not even let it be cut off left the part in the middle: all that came behind it was lost with it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Append_TheDiskTakesAPartOfIt_CountsForNothingAndCanBeWrittenAgain(bool canCutOff)
    {
        Write(Path, Start, 1);
        var whole = new FileInfo(Path).Length;
        using (var disk = new FullDisk(Path))
        using (var writer = new LedgerWriter(Path, disk, new LedgerRecord.Lineage(0, Start)))
        {
            // The first part stays for as long as it cannot be cut off.
            for (var room = 7; room < 80; room += 7)
            {
                (disk.Room, disk.CanCutOff) = (room, canCutOff);
                Assert.Throws<IOException>(() => writer.Append([Report(2), Report(3), Report(4)]));
                Assert.Equal((whole, whole + (canCutOff ? 0 : 7)), (writer.EndBytes, new FileInfo(Path).Length));
            }

            (disk.Room, disk.CanCutOff) = (int.MaxValue, true);
            writer.Append([Report(2)]);
        }

        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2"], Words());
    }

    /// <summary>The lineage was taken for begun, and what followed it was of a lineage that the file did not have.</summary>
    [Fact]
    public void Begin_TheDiskIsFull_BeginsWhenThereIsRoom()
    {
        Write(Path, Start, 1, 2);
        using (var disk = new FullDisk(Path))
        using (var writer = new LedgerWriter(Path, disk, new LedgerRecord.Lineage(0, Start)))
        {
            disk.Room = 5;
            Assert.Throws<IOException>(() => writer.Begin(Start with { Step = 1 }, null));
            disk.Room = int.MaxValue;
            writer.Begin(Start with { Step = 1 }, null);
            writer.Append([Report(2)]);
        }

        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2", "lineage 1 from 1", "1: 2"], Words());
    }

    /// <summary>Whole records of a write that failed stand in the file, and the same ones come again.</summary>
    [Fact]
    public void Open_BehindAWriteThatFailed_CutsItsWholeRecordsOff()
    {
        Write(Path, Start, 1);
        var end = new FileInfo(Path).Length;
        Write(Path, null, 2, 3);
        using (var writer = LedgerWriter.Open(Path, isChecked: false, endBytes: end))
        {
            writer.Append([Report(2)]);
        }

        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2"], Words());

        end = new FileInfo(Path).Length;
        Write(Path, null, 3);
        Assert.Throws<IOException>(() => LedgerWriter.Open(Path, isChecked: false, mayWrite: () => false, endBytes: end));
        Assert.Equal(["lineage 0 from 0", "0: 1", "0: 2", "0: 3"], Words());
    }

    /// <summary>A ledger's file on a disk with little room.</summary>
    private sealed class FullDisk : Stream
    {
        private readonly FileStream _file;

        public FullDisk(string path)
        {
            _file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            _file.Seek(0, SeekOrigin.End);
        }

        /// <summary>Bytes of one write that are taken.</summary>
        public int Room { get; set; } = int.MaxValue;

        public bool CanCutOff { get; set; } = true;

        public override bool CanRead => false;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => _file.Length;

        public override long Position
        {
            get => _file.Position;
            set => _file.Position = value;
        }

        public override void Flush() => _file.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => _file.Seek(offset, origin);

        public override void SetLength(long value)
        {
            if (!CanCutOff)
            {
                throw new IOException("Input/output error.");
            }

            _file.SetLength(value);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _file.Write(buffer[..Math.Min(Room, buffer.Length)]);
            if (Room < buffer.Length)
            {
                throw new IOException("No space left on device.");
            }
        }

        protected override void Dispose(bool disposing)
        {
            _file.Dispose();
            base.Dispose(disposing);
        }
    }

    private static void Write(string path, LedgerStart? start, params long[] steps) => Write(path, start, null, steps);

    private static void Write(string path, LedgerStart? start, string? former, params long[] steps)
    {
        using var writer = LedgerWriter.Open(path);
        if (start is not null)
        {
            writer.Begin(start, former);
        }

        foreach (var step in steps)
        {
            writer.Append([Report(step)]);
        }

        writer.Sync();
    }

    private static FedReport Report(long step) => new(new Generation(1), new WorkerId("w-1"), [new LedgerEntry(step, 0, 8, new SampleDigest((ulong)step, 5))]);

    private ImmutableArray<string> Words() =>
    [
        .. LedgerReader.Read(Path).Select(record => record switch
        {
            LedgerRecord.Lineage lineage => $"lineage {lineage.Number} from {lineage.Start.Step}",
            LedgerRecord.Fed fed => $"{fed.LineageNumber}: {string.Join(" ", fed.Report.Entries.Select(entry => entry.Step))}",
            _ => "?",
        }),
    ];
}
