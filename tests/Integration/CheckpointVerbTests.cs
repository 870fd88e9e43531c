using System.Security.Cryptography;
using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>What a person does with a finished run: look at its checkpoints, check them, take the weights out, use the model.</summary>
public sealed class CheckpointVerbTests(TinyGptRun run) : IClassFixture<TinyGptRun>
{
    private const string Weights = "weights.safetensors";

    [Fact]
    public async Task List_FinishedRun_ShowsItsCheckpoint()
    {
        var result = (await Command.RunAsync("checkpoint", "list", run.RunFolder, "--format", "json")).Expect(0);
        var row = Assert.Single(result.Json.GetProperty("checkpoints").EnumerateArray());
        Assert.Equal(TinyGptRun.Steps, row.GetProperty("step").GetInt64());
        Assert.Equal(run.Checkpoint, row.GetProperty("path").GetString());
        Assert.Equal(run.WeightsSha256, row.GetProperty("weightsSha256").GetString());
        Assert.Equal(JsonValueKind.Null, row.GetProperty("problem").ValueKind);

        var table = (await Command.RunAsync("checkpoint", "list", run.RunFolder)).Expect(0);
        Assert.Contains(run.WeightsSha256[..12], table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_WholeCheckpoint_SaysSo()
    {
        var result = (await Command.RunAsync("checkpoint", "verify", run.RunFolder)).Expect(0);
        Assert.Equal($"{run.Checkpoint}: whole", result.Output.TrimEnd());
        Assert.Equal("", result.Error);
    }

    [Theory]
    [InlineData(Weights)]
    [InlineData("optimizer.safetensors")]
    [InlineData("job.json")]
    public async Task Verify_OneBitFlipped_NamesTheFile(string file)
    {
        var copy = run.CopyCheckpoint();
        FlipLastBit(Path.Combine(copy, file));
        var result = (await Command.RunAsync("checkpoint", "verify", copy, "--format", "json")).Expect(1).ExpectError(Path.Combine(copy, file));
        Assert.False(result.Json.GetProperty("isWhole").GetBoolean());
        Assert.Contains(file, Assert.Single(result.Json.GetProperty("problems").EnumerateArray()).GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_WholeCheckpoint_WritesTheFileOfTheManifest()
    {
        var destination = run.NewPath(Weights);
        var result = (await Command.RunAsync("checkpoint", "export", run.RunFolder, "--out", destination, "--format", "json")).Expect(0);
        Assert.Equal(run.WeightsSha256, result.WeightsSha256);
        Assert.Equal(ManifestSha256(Weights), Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(destination, TestContext.Current.CancellationToken))));
    }

    [Fact]
    public async Task Export_DamagedCheckpoint_WritesNothing()
    {
        var (copy, destination) = (run.CopyCheckpoint(), run.NewPath(Weights));
        FlipLastBit(Path.Combine(copy, Weights));
        (await Command.RunAsync("checkpoint", "export", copy, "--out", destination)).Expect(1).ExpectError(Weights);
        Assert.False(File.Exists(destination));
    }

    [Fact]
    public async Task Generate_Length5_AddsFiveBytesAndTheSameOnesAgain()
    {
        var first = (await Command.RunAsync("generate", run.RunFolder, "--prompt", "ab", "--length", "5", "--format", "json")).Expect(0);
        var again = (await Command.RunAsync("generate", run.RunFolder, "--prompt", "ab", "--length", "5", "--format", "json")).Expect(0);
        // Bytes that are no UTF-8 show as one character each or fewer.
        Assert.StartsWith("ab", first.Text("text"), StringComparison.Ordinal);
        Assert.InRange(first.Text("text").Length, 3, 7);
        Assert.Equal(first.Output, again.Output);
    }

    [Fact]
    public async Task Evaluate_FinishedRun_GivesTheLossOfItsLastEvaluation()
    {
        var result = (await Command.RunAsync("evaluate", run.RunFolder, "--format", "json")).Expect(0);
        var last = run.LastEvent("evaluated");
        Assert.Equal(TinyGptRun.Steps, last.GetProperty("step").GetInt64());
        foreach (var figure in new[] { "loss", "accuracy", "samples" })
        {
            Assert.Equal(last.GetProperty(figure).GetDouble(), result.Json.GetProperty(figure).GetDouble());
        }

        Assert.Equal(run.WeightsSha256, result.WeightsSha256);
    }

    [Theory]
    [InlineData("checkpoint", "list")]
    [InlineData("checkpoint", "verify")]
    [InlineData("checkpoint", "export")]
    [InlineData("generate")]
    [InlineData("evaluate")]
    public async Task Verb_PathDoesNotExist_EndsWithNotFound(params string[] verb)
    {
        var path = run.NewPath("none");
        string[] more = verb[^1] == "export" ? ["--out", run.NewPath("out")] : [];
        (await Command.RunAsync([.. verb, path, .. more])).Expect(6).ExpectError(path);
    }

    private string ManifestSha256(string file)
    {
        using var manifest = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(run.Checkpoint, "manifest.json")));
        return manifest.RootElement.GetProperty("files").EnumerateArray()
            .Single(entry => entry.GetProperty("name").GetString() == file).GetProperty("sha256").GetString()!;
    }

    private static void FlipLastBit(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }
}
