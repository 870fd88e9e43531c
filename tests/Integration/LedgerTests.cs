using System.Text.Json;
using Orchestrator.Core.Ledger;
using Orchestrator.Integration.Tests.Support;
using Orchestrator.Storage.Ledger;

namespace Orchestrator.Integration.Tests;

/// <summary>`ledger verify` proves that a run used each sample once an epoch, and finds every way in which a ledger does not prove it.</summary>
public sealed class LedgerTests(LedgerRuns runs) : IClassFixture<LedgerRuns>, IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Verify_AQuietRun_IsGood()
    {
        var result = (await VerifyAsync(runs.Run)).Expect(0);

        Assert.Equal(("good", LedgerRuns.Steps, LedgerRuns.Steps * 8), Verdict(result));
        Assert.Equal(JsonValueKind.Null, result.Json.GetProperty("problem").ValueKind);
        Assert.Contains("good: 20 steps with 160 samples", (await Command.RunAsync("ledger", "verify", runs.Run)).Expect(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_ARunThatWentOnFromAnothersCheckpoint_ProvesTheWholeWay()
    {
        Assert.Equal(("good", LedgerRuns.ResumedSteps, LedgerRuns.ResumedSteps * 8), Verdict((await VerifyAsync(runs.Resumed)).Expect(0)));
        Assert.Equal([0, LedgerRuns.ResumedFrom], LedgerReader.Read(LedgerEdit.PathOf(runs.Resumed)).OfType<LedgerRecord.Lineage>().Select(lineage => lineage.Start.Step));
    }

    [Fact]
    public async Task Verify_ARunThatWentOnInItsOwnFolder_ProvesTheWholeWay()
    {
        var run = _folder.New("run");
        (await Command.RunAsync(Spirals.Command("run", LedgerRuns.Job, "--workers", "1", "--stop-after", "15", "--out", run))).Expect(0);
        (await Command.RunAsync(Spirals.Command("run", LedgerRuns.Job, "--workers", "2", "--resume", run, "--out", run))).Expect(0);

        Assert.Equal(("good", LedgerRuns.ResumedSteps, LedgerRuns.ResumedSteps * 8), Verdict((await VerifyAsync(run)).Expect(0)));
    }

    [Fact]
    public Task Verify_OneSampleDoubled_IsBroken() => ExpectBrokenAsync(
        LedgerEdit.Change(7, 3, entry => entry with { SampleCount = 2, Digest = entry.Digest.Add(entry.Digest.Sum) }), "Step 7, logical rank 3 (w-", ") was fed sample ", " twice.");

    [Fact]
    public Task Verify_OneSampleMissing_IsBroken() => ExpectBrokenAsync(
        LedgerEdit.Change(7, 3, entry => entry with { SampleCount = 0, Digest = SampleDigest.Empty }), "Step 7, logical rank 3 (w-", ") was not fed sample ", ", which is missing.");

    [Fact]
    public Task Verify_AWrongDigest_IsBroken() => ExpectBrokenAsync(
        LedgerEdit.Change(7, 3, entry => entry with { Digest = entry.Digest with { Chain = entry.Digest.Chain ^ 1 } }), "Step 7, logical rank 3 (w-");

    [Fact]
    public Task Verify_TwoRanksExchanged_IsBroken() => ExpectBrokenAsync(
        LedgerEdit.Change(7, 3, entry => entry with { Digest = runs.Entry(7, 4).Digest }), "Step 7, logical rank 3 (w-", "was fed other samples or other bytes than samples ");

    [Fact]
    public Task Verify_OneStepRepeated_IsBroken() => ExpectBrokenAsync(
        records => [.. records, .. records.Where(record => LedgerEdit.StepOf(record) == 7)], "Step 7, logical rank 0 (w-", "is a repetition: step 7 stands in the ledger already.");

    [Fact]
    public Task Verify_OneStepLeftOut_IsBroken() => ExpectBrokenAsync(
        records => records.Where(record => LedgerEdit.StepOf(record) != 7), "Step 7 is missing: the run ended after step 20.");

    [Fact]
    public Task Verify_TheLastStepsCutOff_IsBroken() => ExpectBrokenAsync(
        records => records.Where(record => LedgerEdit.StepOf(record) < 18), "Steps 18 to 20 are missing: the run ended after step 20.");

    [Fact]
    public async Task Verify_AnEntryOfTheAbandonedLineageUsed_IsBroken()
    {
        var abandoned = LedgerReader.Read(LedgerEdit.PathOf(runs.Run)).Where(record => LedgerEdit.StepOf(record) == 11).ToList();
        var copy = LedgerEdit.Copy(runs.Resumed, _folder.New("copy"), records =>
            records.SelectMany(record => record is LedgerRecord.Lineage { Number: 1 } ? [record, .. abandoned] : new[] { record }));

        Broken(await VerifyAsync(copy), "Step 11, logical rank 0 (w-", "is of lineage 0, which was abandoned above step 10 when lineage 1 began; it may not be used.");
    }

    [Fact]
    public async Task Verify_AByteOfTheLedgerChanged_IsBroken()
    {
        var copy = LedgerEdit.Copy(runs.Run, _folder.New("copy"), records => records);
        var bytes = File.ReadAllBytes(LedgerEdit.PathOf(copy));
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(LedgerEdit.PathOf(copy), bytes);

        Broken(await VerifyAsync(copy), "is damaged at byte");
    }

    [Fact]
    public async Task Verify_AWorkerWasFedAWrongSample_IsBrokenAndNamesWho()
    {
        var (lie, run) = (_folder.Write("lie", ""), _folder.New("run"));
        var job = _folder.Write("job.yaml", $$"""
            name: liar
            task: {assembly: {{Command.Program("Orchestrator.ThrowingModel")}}, type: ThrowingModel.LyingTask, options: {lieWhile: {{lie}}} }
            data: {kind: csv, path: {{Command.Root}}/examples/data/spirals.csv, target: spiral, validationShare: 0.2}
            training: {epochs: 1, globalBatch: 32, logicalRanks: 4}
            """);
        (await Command.RunAsync("run", job, "--workers", "2", "--out", run)).Expect(0);
        File.Delete(lie);

        var sentence = Broken(await VerifyAsync(run), "Step ", ", logical rank ", " (w-", "was fed other samples or other bytes than samples ");
        Assert.Contains(" 5,", $"{sentence.Replace(':', ',')},", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_TheDataHasChangedSince_SaysSo()
    {
        var data = _folder.Write("spirals.csv", File.ReadAllText(Path.Combine(Command.Root, "examples/data/spirals.csv")));
        var run = _folder.New("run");
        (await Command.RunAsync(Spirals.Command("run", ["training.steps=3", $"data.path={data}"], "--workers", "1", "--out", run))).Expect(0);
        File.WriteAllText(data, File.ReadAllText(data).Replace("0.1", "0.2", StringComparison.Ordinal));

        Broken(await VerifyAsync(run), "The data is not that of the run: its SHA-256 is ");
    }

    /// <summary>A killed worker had steps that others had decided with its gradients, and took its reports of them along: they were missing from the ledger.</summary>
    [Fact]
    public async Task Verify_AWorkerWasKilledInTheMiddle_IsGood()
    {
        var run = _folder.New("run");
        await using var running = Command.Start(Spirals.Command(
            "run", [Spirals.Endless, "checkpoint.everySteps=100"], "--workers", "3", "--stop-after", "1500", "--format", "jsonl", "--out", run));
        var victim = await running.WaitForEventAsync("worker.ready", line => line.GetProperty("worker").GetString() == "w-2");
        await running.WaitForEventAsync("checkpoint.saved");
        Signals.Send(victim.GetProperty("pid").GetInt32(), Signal.Kill);
        (await running.WaitForEndAsync()).Expect(0);

        Assert.Equal(("good", 1500, 1500 * 32), Verdict((await VerifyAsync(run)).Expect(0)));
    }

    [Fact]
    public async Task Verify_NoLedgerThere_IsNotFound() => (await Command.RunAsync("ledger", "verify", _folder.New("none"))).Expect(6).ExpectError("holds no ledger");

    public void Dispose() => _folder.Dispose();

    private async Task ExpectBrokenAsync(Func<IEnumerable<LedgerRecord>, IEnumerable<LedgerRecord>> edit, params string[] words) =>
        Broken(await VerifyAsync(LedgerEdit.Copy(runs.Run, _folder.New("copy"), edit)), words);

    private static Task<CommandResult> VerifyAsync(string run) => Command.RunAsync("ledger", "verify", run, "--format", "json");

    private static (string Verdict, long Steps, long Samples) Verdict(CommandResult result) => (
        result.Text("verdict"), result.Json.GetProperty("stepsVerified").GetInt64(), result.Json.GetProperty("samplesVerified").GetInt64());

    /// <summary>Exit code 1, and a sentence with these words as the problem and as the last line of standard error.</summary>
    private static string Broken(CommandResult result, params string[] words)
    {
        result.Expect(1).ExpectError(words);
        Assert.Equal("broken", result.Text("verdict"));
        Assert.Equal(result.Text("problem"), result.LastErrorLine);
        return result.LastErrorLine;
    }
}
