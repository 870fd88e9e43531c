using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>The first promise: the weights are the same bits on any number of workers.</summary>
public sealed class SameBitsTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("char-gpt", "training.steps=4")]
    [InlineData("digits-cnn", "training.steps=6", "training.globalBatch=23", "training.logicalRanks=7")]
    public async Task Run_OneToFourWorkers_GivesTheSameHashAndUsesEverySampleOnce(string example, params string[] changes)
    {
        var results = new List<CommandResult>();
        for (var workers = 1; workers <= 4; workers++)
        {
            results.Add(await Run(example, workers, changes));
        }

        Assert.Single(results.Select(result => result.WeightsSha256).Distinct());
        Assert.All(results, result => Assert.Equal("succeeded", result.Text("state")));
        var batch = example == "char-gpt" ? 32 : 23;
        Assert.All(results, result => Assert.Equal(batch * result.Json.GetProperty("steps").GetInt64(), SamplesComputed(result.Text("runDir"))));
    }

    /// <summary>Rounded gradients travel in two bytes or are read where they lie; the loss and the statistics of batch-norm stay fp32.</summary>
    [Fact]
    public async Task Run_WithBf16OnAnyNumberOfWorkersAndTransport_GivesOneHashThatIsNotThatOfFp32()
    {
        string[] changes = ["training.steps=4", "training.globalBatch=23", "training.logicalRanks=7"];
        var plain = await Run("digits-cnn", 1, changes);
        var results = new List<CommandResult>();
        foreach (var (workers, transport) in ((int, string)[])[(1, "auto"), (2, "tcp"), (3, "unix"), (4, "shm")])
        {
            results.Add(await Run("digits-cnn", workers, [.. changes, "allReduce.wire=bf16", $"allReduce.transport={transport}"]));
        }

        Assert.NotEqual(plain.WeightsSha256, Assert.Single(results.Select(result => result.WeightsSha256).Distinct()));
    }

    [Fact]
    public async Task Resume_OnAnotherNumberOfWorkers_GivesTheHashOfAStraightRun()
    {
        var straight = await Run("char-gpt", 1, "training.steps=8");
        var stopped = await Run("char-gpt", 2, ["training.steps=8"], "--stop-after", "4");
        Assert.Equal(4, stopped.Json.GetProperty("steps").GetInt64());
        var resumed = await Run("char-gpt", 3, ["training.steps=8"], "--resume", stopped.Text("runDir"));
        Assert.Equal(straight.WeightsSha256, resumed.WeightsSha256);
        Assert.NotEqual(straight.WeightsSha256, stopped.WeightsSha256);
    }

    [Fact]
    public async Task Resume_WithOtherThreadsThanTheCheckpoint_IsWarnedOfOnceAndNamesBoth()
    {
        // It was accepted silently, and the weights were others than those of the uninterrupted run.
        var stopped = await Run("spirals-mlp", 1, ["training.steps=8"], "--stop-after", "4");
        var same = await Run("spirals-mlp", 1, ["training.steps=8"], "--resume", stopped.Text("runDir"));
        Assert.DoesNotContain("Warning", same.Error, StringComparison.Ordinal);
        var other = await Run("spirals-mlp", 2, ["training.steps=8", "workers.threads=2"], "--resume", stopped.Text("runDir"));
        var said = Assert.Single(other.Error.Split('\n'), line => line.StartsWith("Warning: ", StringComparison.Ordinal));
        Assert.Contains("threads 1 and now 2", said, StringComparison.Ordinal);
        Assert.EndsWith("--set workers.threads=1", said, StringComparison.Ordinal);
        var warning = Assert.Single(Events(other.Text("runDir")), line => line.GetProperty("event").GetString() == "run.warning");
        Assert.Equal(said, $"Warning: {warning.GetProperty("reason").GetString()}");
    }

    public void Dispose() => _folder.Dispose();

    private Task<CommandResult> Run(string example, int workers, params string[] changes) => Run(example, workers, changes, []);

    private async Task<CommandResult> Run(string example, int workers, string[] changes, params string[] more)
    {
        string[] arguments =
        [
            "run", $"examples/{example}.yaml", "--workers", $"{workers}", "--format", "json", "--out", _folder.New("run"),
            .. changes.SelectMany(change => new[] { "--set", change }), .. more,
        ];
        return (await Command.RunAsync(arguments)).Expect(0);
    }

    private static IEnumerable<JsonElement> Events(string runFolder) =>
        File.ReadLines(Path.Combine(runFolder, "events.jsonl")).Select(line => JsonDocument.Parse(line).RootElement);

    private static long SamplesComputed(string runFolder) => Events(runFolder)
        .Where(line => line.GetProperty("event").GetString() == "worker.finished").Sum(line => line.GetProperty("samples").GetInt64());
}
