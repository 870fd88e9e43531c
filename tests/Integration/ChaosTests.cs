using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>The chaos command on the smallest job: every kind of fault lands, and every promise is kept.</summary>
public sealed class ChaosTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Chaos_KillFreezeTermAndJoin_TheVerdictIsGood()
    {
        var result = await Command.RunAsync(Spirals.Command(
            "chaos", ["training.steps=20000", "checkpoint.everySteps=1000", "evaluation.everySteps=0"],
            "--workers", "3", "--faults", "kill,freeze,term,join", "--every", "2", "--seed", "1", "--format", "json", "--out", _folder.New("chaos")));
        // All kills of ten minutes may hit one worker, and none of them is its own fault.
        var verdict = result.Expect(0).ExpectError("(restart 1 of at most 301 within 10 minutes)").Json;
        Assert.Equal("good", verdict.GetProperty("verdict").GetString());
        Assert.All(verdict.GetProperty("faults").EnumerateObject(), fault => Assert.True(fault.Value.GetInt32() > 0, $"No {fault.Name} landed."));
        Assert.Equal(JsonValueKind.True, verdict.GetProperty("weightsEqual").ValueKind);
        Assert.Equal(JsonValueKind.True, verdict.GetProperty("samplesExactlyOnce").ValueKind);
    }

    [Fact]
    public async Task Chaos_CutNetworksAndFullDisks_TheVerdictIsGood()
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root may make network namespaces and mount a disk.");
        var result = await Command.RunAsync(Spirals.Command(
            "chaos", ["training.steps=8000", "checkpoint.everySteps=400", "evaluation.everySteps=0"],
            "--workers", "3", "--faults", "cut,disk", "--every", "1.5", "--seed", "1", "--format", "json", "--out", _folder.New("chaos")));
        var verdict = result.Expect(0).Json;
        Assert.Equal("good", verdict.GetProperty("verdict").GetString());
        Assert.True(verdict.GetProperty("faults").GetProperty("cut").GetInt32() > 0, "No network was cut.");
        result.ExpectError("could not be written", "the disk is full");
    }

    [Fact]
    public Task Chaos_OwnersAreKilledAndFrozen_TheVerdictIsGood() => HitOwnersAsync("coordinator", 12_000);

    [Fact]
    [Trait("Category", "Long")]
    public Task Chaos_OwnersAreHitInTheMiddleOfEverythingElse_TheVerdictIsGood() => HitOwnersAsync("kill,freeze,term,join,coordinator", 40_000);

    private async Task HitOwnersAsync(string faults, int steps)
    {
        await using var postgres = await PostgresCluster.StartAsync();
        var result = await Command.RunAsync(Spirals.Command(
            "chaos", [$"training.steps={steps}", "checkpoint.everySteps=2000", "evaluation.everySteps=0"],
            "--workers", "3", "--faults", faults, "--every", "1", "--seed", "1", "--format", "json", "--coordinators", "3", "--store", postgres.ConnectionString, "--out", _folder.New("chaos")));
        output.WriteLine(result.Output);
        output.WriteLine(result.Error);
        var verdict = result.Expect(0).Json;
        Assert.Equal("good", verdict.GetProperty("verdict").GetString());
        Assert.All(verdict.GetProperty("faults").EnumerateObject(), fault => Assert.True(fault.Value.GetInt32() > 0, $"No {fault.Name} landed."));
        Assert.Equal(0, verdict.GetProperty("survivorRestarts").GetInt32());
        Assert.True(verdict.GetProperty("nobodyOwnedMillis").GetProperty("max").GetDouble() > 0, "Somebody owned the runs all the time.");
        Assert.True(verdict.GetProperty("stepMillis").GetProperty("takeOverMax").GetDouble() > 0, "No step was taken while owners died.");
    }

    [Fact]
    public async Task Chaos_OwnersWithoutAStore_IsRefused() =>
        (await Command.RunAsync("chaos", Spirals.Job, "--faults", "kill,coordinator")).Expect(2).ExpectError("needs a PostgreSQL database", "--store");

    [Theory]
    [InlineData(15, 143)]
    [InlineData(2, 130)]
    public async Task Chaos_ToldToEnd_LeavesNoProcessBehind(int signal, int exitCode)
    {
        var folder = _folder.New("chaos");
        var quiet = Path.Combine(folder, "quiet");
        await using var chaos = Command.Start(Spirals.Command(
            "chaos", ["training.steps=1000000", "checkpoint.everySteps=0", "evaluation.everySteps=0"],
            "--workers", "2", "--faults", "freeze", "--every", "1", "--seed", "1", "--format", "json", "--out", folder));
        await chaos.WaitForErrorAsync("Training ");
        var runId = JsonDocument.Parse(File.ReadLines(Path.Combine(quiet, "events.jsonl")).First()).RootElement.GetProperty("runId").GetString()!;
        Assert.NotEmpty(WorkerProcesses.Of(quiet));
        Assert.NotEmpty(WorkerProcesses.Of(runId));
        chaos.Send((Signal)signal);
        (await chaos.WaitForEndAsync()).Expect(exitCode);
        WorkerProcesses.ExpectNone(quiet);
        WorkerProcesses.ExpectNone(runId);
    }

    /// <summary>Behind a kill only one of two was left, so the next fault waited for another one; the run was killed too, said no last word, and the wait had no end.</summary>
    [Fact]
    public async Task Chaos_TheRunItselfIsKilled_TheVerdictSaysHowItEnded()
    {
        var folder = _folder.New("chaos");
        await using var chaos = Command.Start(Spirals.Command(
            "chaos", ["training.steps=4000", "evaluation.everySteps=0"], "--workers", "2", "--faults", "kill", "--every", "0.1", "--seed", "1", "--format", "json", "--out", folder));
        await chaos.WaitForErrorAsync("chaos: kill w-");
        Signals.Send(Assert.Single(WorkerProcesses.Of(Path.Combine(folder, "chaos"))), Signal.Kill);
        var verdict = (await chaos.WaitForEndAsync()).Expect(1).ExpectError("broken: the run ended with exit code 137 and no result").Json;
        Assert.Equal("broken", verdict.GetProperty("verdict").GetString());
    }

    /// <summary>Nobody was a member for any time, and a share of no time is no number that JSON has.</summary>
    [Fact]
    public async Task Chaos_TheRunDoesNotStart_TheVerdictSaysSo()
    {
        var folder = _folder.New("chaos");
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "chaos"), "A file, where the run's folder would be.", TestContext.Current.CancellationToken);
        var result = await Command.RunAsync(Spirals.Command(
            "chaos", ["training.steps=50", "evaluation.everySteps=0"], "--workers", "2", "--faults", "kill", "--every", "1", "--format", "json", "--out", folder));
        Assert.Equal("broken", result.Expect(1).ExpectError("broken: the run ended with exit code", "no kill landed").Json.GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData("--faults", "", "--faults names nothing; there are kill")]
    [InlineData("--seeds", "0", "--seeds is 0")]
    [InlineData("--format", "yaml", "yaml")]
    public async Task Chaos_OptionsWithWhichNothingIsShown_AreRefused(string option, string value, string expected) =>
        (await Command.RunAsync("chaos", Spirals.Job, option, value)).Expect(2).ExpectError(expected);

    [Fact]
    public async Task Chaos_AFaultThatThereIsNot_IsRefusedWithThoseThatThereAre() =>
        (await Command.RunAsync("chaos", Spirals.Job, "--faults", "kill,fire")).Expect(2).ExpectError("fire", "kill, freeze, term, join, cut, disk and coordinator");

    [Theory]
    [InlineData("0")]
    [InlineData("-2")]
    [InlineData("NaN")]
    public async Task Chaos_AFaultAllTheTime_IsRefusedWithTheRange(string every) =>
        (await Command.RunAsync("chaos", Spirals.Job, "--faults", "kill", "--every", every)).Expect(2).ExpectError($"--every {every}: seconds from 0.1 to 86400");

    public void Dispose() => _folder.Dispose();
}
