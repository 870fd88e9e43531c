using Orchestrator.Core.Ledger;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>A run of 20 steps on two workers with one sample for each logical rank, and one that goes on from its step 10 to 24 in a folder of its own.</summary>
public sealed class LedgerRuns : IAsyncLifetime
{
    public const int Steps = 20;
    public const int ResumedFrom = 10;
    public const int ResumedSteps = 24;

    internal static readonly string[] Job = ["training.globalBatch=8", "training.logicalRanks=8", "training.steps=24", "checkpoint.everySteps=10"];

    private readonly TestFolder _folder = new();

    public string Run { get; private set; } = "";

    public string Resumed { get; private set; } = "";

    public string New(string name) => _folder.New(name);

    public async ValueTask InitializeAsync()
    {
        (Run, Resumed) = (New("run"), New("resumed"));
        (await Command.RunAsync(Spirals.Command("run", Job, "--workers", "2", "--stop-after", $"{Steps}", "--out", Run))).Expect(0);
        (await Command.RunAsync(Spirals.Command(
            "run", Job, "--workers", "3", "--resume", Path.Combine(Run, "checkpoints", $"step-{ResumedFrom:D8}"), "--out", Resumed))).Expect(0);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The entry of a rank of the first run.</summary>
    internal LedgerEntry Entry(long step, int rank) => LedgerReader.Read(LedgerEdit.PathOf(Run)).OfType<LedgerRecord.Fed>()
        .SelectMany(fed => fed.Report.Entries).Single(entry => entry.Step == step && entry.LogicalRank == rank);
}
