using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>The benchmarks measure both systems, and check what both computed. How fast they are is no matter of a test.</summary>
public sealed class BenchTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tcp", "gloo", "fp32")]
    [InlineData("shm", "gloo", "fp32")]
    [InlineData("unix", "arrival", "fp32")]
    [InlineData("tcp", "gloo", "bf16")]
    public async Task AllReduce_BesideAPeer_BothAreRightAndCompared(string transport, string peer, string wire)
    {
        var result = await Command.RunAsync(
            "bench", "allreduce", "--ranks", "2", "--mib", "1", "--rounds", "1", "--transport", transport, "--peer", peer, "--wire", wire, "--format", "jsonl");
        var lines = result.Expect(0).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["orchestrator", peer], lines.Select(line => line.GetProperty("peer").GetString()));
        Assert.All(lines, line => Assert.True(line.GetProperty("allEqual").GetBoolean(), "An element is wrong."));
        Assert.All(lines, line => Assert.True(line.GetProperty("ms").GetDouble() > 0, "Nothing was timed."));
        Assert.True(lines[0].GetProperty("timesPeer").GetDouble() > 0, "Ours was not compared.");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AllReduce_RanksThatAreNotAligned_SendsAThirdMore(bool isAfterDeath)
    {
        string[] death = isAfterDeath ? ["--after-death"] : [];
        var result = await Command.RunAsync(
            ["bench", "allreduce", "--ranks", "3", "--logical-ranks", "8", "--mib", "1", "--rounds", "1", "--transport", "unix", "--format", "jsonl", .. death]);
        var figures = result.Expect(0).Json;
        Assert.True(figures.GetProperty("allEqual").GetBoolean(), "An element is wrong.");
        // Three, three and two of eight ranks are five nodes of the tree: five partials are scattered instead of three, and three slices gathered.
        Assert.Equal((5 + 3) / 6.0, figures.GetProperty("bytesFactor").GetDouble(), 2);
    }

    [Fact]
    public async Task Ddp_BesidePyTorch_BothTrainAndAreCompared()
    {
        var figures = (await Command.RunAsync(
            "bench", "ddp", "examples/char-gpt.yaml", "--workers", "2", "--rounds", "1", "--steps", "7", "--set", "training.globalBatch=8", "--format", "json")).Expect(0).Json;
        Assert.Equal((2, 8), (figures.GetProperty("workers").GetInt32(), figures.GetProperty("logicalRanks").GetInt32()));
        Assert.All(
            (string[])["samplesPerSecond", "peerSamplesPerSecond", "ratio", "allReduceMs", "parameters"],
            name => Assert.True(figures.GetProperty(name).GetDouble() > 0, $"{name} is not there."));
        Assert.NotEmpty(figures.GetProperty("torch").GetString()!);
    }

    [Fact]
    public async Task Step_BesidePyTorch_BothAreTimed()
    {
        var result = await Command.RunAsync("bench", "step", Spirals.Job, "--rounds", "1", "--format", "jsonl");
        var lines = result.Expect(0).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains(lines, line => line.Contains("orchestrator", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("pytorch", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Join_BesideAControl_TheJoinerComesInAndBothAreTimed()
    {
        var result = (await Command.RunAsync("bench", "join", Spirals.Job, "--rounds", "1", "--out", _folder.New("join"))).Expect(0);
        Assert.Contains("join against control", result.Output, StringComparison.Ordinal);
        Assert.Contains("longest step of a join", result.Output, StringComparison.Ordinal);
    }
}
