using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Coordinator.Tests.Folders;

public sealed class LedgerFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ledger-file-");

    private string FilePath => Path.Combine(_folder.FullName, LedgerReader.FileName);

    /// <summary>What could not be written was lost, and what came behind it stood in the file without it.</summary>
    [Fact]
    public void Write_AWriteFails_NothingFollowsItUntilItIsWritten()
    {
        var isFull = false;
        using var file = new LedgerFile(FilePath, () => !isFull);
        Assert.Equal(new LedgerAnswer(2, null, null), file.Write(new RunEffect.AppendLedger(0, [Begin(1, 0), Fed(2, 1)]), null));

        isFull = true;
        file.Close();
        var failed = file.Write(new RunEffect.AppendLedger(2, [Fed(3, 2)]), null)!;
        Assert.Equal(2, failed.Written);
        Assert.Contains($"Writing the ledger {FilePath} failed: ", failed.Problem, StringComparison.Ordinal);
        isFull = false;
        Assert.Null(file.Write(new RunEffect.AppendLedger(3, [Fed(4, 3)]), null));

        Assert.Equal(new LedgerAnswer(4, null, null), file.Write(new RunEffect.AppendLedger(2, [Fed(3, 2), Fed(4, 3)]), null));
        Assert.Equal(["lineage 0", "1", "2", "3"], Words());
    }

    [Fact]
    public void Write_TheSameAgain_StandsInTheFileOnce()
    {
        using var file = new LedgerFile(FilePath, () => true);
        file.Write(new RunEffect.AppendLedger(0, [Begin(1, 0), Fed(2, 1)]), null);
        Assert.Equal(2, file.Write(new RunEffect.AppendLedger(0, [Begin(1, 0), Fed(2, 1)]), null)!.Written);
        Assert.Equal(3, file.Write(new RunEffect.AppendLedger(1, [Fed(2, 1), Fed(3, 2)]), null)!.Written);
        Assert.Equal(["lineage 0", "1", "2"], Words());
    }

    /// <summary>What was dropped leaves numbers out.</summary>
    [Fact]
    public void Write_NumbersAreLeftOut_GoesOn()
    {
        using var file = new LedgerFile(FilePath, () => true);
        file.Write(new RunEffect.AppendLedger(0, [Begin(1, 0)]), null);
        Assert.Equal(8, file.Write(new RunEffect.AppendLedger(1, [Fed(7, 6), Fed(8, 7)]), null)!.Written);
        Assert.Equal(["lineage 0", "6", "7"], Words());
    }

    /// <summary>Steps that are taken again from a checkpoint are of another lineage.</summary>
    [Fact]
    public void Write_AnotherLineageBegins_AbandonsWhatIsBehindItsStart()
    {
        using var file = new LedgerFile(FilePath, () => true);
        file.Write(new RunEffect.AppendLedger(0, [Begin(1, 0), Fed(2, 1), Fed(3, 2), Begin(4, 1), Fed(5, 2)]), null);
        Assert.Equal(["lineage 0", "1", "2", "lineage 1", "2"], Words());
    }

    /// <summary>No room on the disk mends another run's ledger: the run waited for it at its end.</summary>
    [Fact]
    public void Write_TheLedgerOfTheRunThatIsGoneOnFromIsDamaged_BeginsWithoutItAndSaysSo()
    {
        var former = Path.Combine(_folder.FullName, "former");
        File.WriteAllText(former, "this is no ledger");
        using var file = new LedgerFile(FilePath, () => true);

        var answer = file.Write(new RunEffect.AppendLedger(0, [Begin(1, 4), Fed(2, 5)]), former)!;

        Assert.Equal((2L, (string?)null), (answer.Written, answer.Problem));
        Assert.Contains("this one proves the steps behind 4 only", answer.Notice, StringComparison.Ordinal);
        Assert.Equal(["lineage 4", "5"], Words());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static LedgerWrite Begin(long number, long step) => new(number, new LedgerStart(new RunId("run"), step, 1, 1, 1, null, 1, "00"), []);

    private static LedgerWrite Fed(long number, long step) =>
        new(number, null, [new FedReport(new Generation(1), WorkerId.FromNumber(1), [new LedgerEntry(step, 0, 1, SampleDigest.Empty)])]);

    private string[] Words() => [.. LedgerReader.Read(FilePath).Select(record => record is LedgerRecord.Lineage lineage ? $"lineage {lineage.Start.Step}" : $"{((LedgerRecord.Fed)record).Report.Step}")];
}
