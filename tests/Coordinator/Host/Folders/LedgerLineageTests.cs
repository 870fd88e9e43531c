using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Jobs;
using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Coordinator.Tests.Folders;

public sealed class LedgerLineageTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ledger-lineage-");

    /// <summary>A planned change is recorded when all have entered; its first step may be committed by then, and once was taken for abandoned.</summary>
    [Fact]
    public void Append_AGenerationThatGoesOnFromWhatIsHeldIsRecordedLate_AbandonsNoStep()
    {
        Write(isLoaded: false);
        Assert.Equal([0L], Lineages());
    }

    [Fact]
    public void Append_AGenerationThatWasLoadedFromACheckpoint_BeginsALineageThere()
    {
        Write(isLoaded: true);
        Assert.Equal([0L, 1L], Lineages());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Step 2 is stored, and then a generation that begins behind step 1 is recorded.</summary>
    private void Write(bool isLoaded)
    {
        var order = new RunOrder { Id = new RunId("run"), Job = Job(), RunDir = _folder.FullName, JobFile = "job.yaml" };
        using var folder = RunFolder.Create(order, TimeProvider.System);
        folder.Append(Formed(1, 0, isLoaded: true), "{}", order);
        folder.Append(new RunEffect.AppendLedger([Fed(1), Fed(2)]));
        folder.Append(Formed(2, 1, isLoaded), "{}", order);
    }

    private static RunRecord.GenerationFormed Formed(long generation, long step, bool isLoaded) =>
        new(new Generation(generation), step, new Formed([], 1, step, 10, 10, "avx2", 1, 1, 1, "00", 1, "why", null, 0) { IsLoaded = isLoaded });

    private static FedReport Fed(long step) => new(new Generation(1), WorkerId.FromNumber(1), [new LedgerEntry(step, 0, 1, SampleDigest.Empty)]);

    private long[] Lineages() => [.. LedgerReader.Read(Path.Combine(_folder.FullName, LedgerReader.FileName)).OfType<LedgerRecord.Lineage>().Select(lineage => lineage.Start.Step)];

    private static JobSpec Job() => new()
    {
        Name = "job", ProjectRoot = "/", Model = new MlpSpec(), Data = new TextDataSpec(["data"]), Training = new TrainingSpec { Steps = 10, GlobalBatch = 1, LogicalRanks = 1 },
    };
}
