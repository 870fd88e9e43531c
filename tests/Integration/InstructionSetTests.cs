using System.Runtime.Intrinsics.X86;
using System.Text.Json;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Workers with different instruction sets are pinned to the common level, or one is refused with the reason; never silently different.</summary>
public sealed class InstructionSetTests : IDisposable
{
    private static readonly string[] Short = ["training.steps=12"];

    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Submit_OneWorkerHasOnlyAvx2_AllArePinnedToItOrItIsRefused()
    {
        Assert.SkipUnless(Avx512F.IsSupported, "This processor has no AVX-512, so two levels cannot be had.");
        await using var cluster = await Cluster.StartAsync(_folder, workers: 1);
        await cluster.AddWorkerAsync("--isa", "avx2");

        var common = await cluster.AskAsync(Spirals.Command("submit", Short, "--workers", "2", "--format", "json"));
        Assert.Equal(await LocalHashAsync("avx2"), common.Expect(0).WeightsSha256);
        Assert.Equal("avx2", Event(common, "generation.formed").GetProperty("isa").GetString());

        var newest = await cluster.AskAsync(Spirals.Command("submit", [.. Short, "workers.isa=avx512"], "--workers", "1", "--format", "json"));
        newest.Expect(0).ExpectError("worker w-2", "has avx2 as its newest instruction set", "avx512");
        Assert.Equal(await LocalHashAsync("avx512"), newest.WeightsSha256);
        Assert.Contains("avx2", Event(newest, "worker.refused").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task Submit_TheOnlyWorkerIsTooOld_WaitsAndSaysWhy()
    {
        Assert.SkipUnless(Avx512F.IsSupported, "This processor has no AVX-512, so two levels cannot be had.");
        await using var cluster = await Cluster.StartAsync(_folder, workers: 0);
        await cluster.AddWorkerAsync("--isa", "avx2");
        await using var submit = Command.Start(Spirals.Command("submit", [.. Short, "workers.isa=avx512"], "--coordinator", cluster.Grpc));
        await submit.WaitForErrorAsync("w-1 is not a member");
        Assert.Contains("1 needed", await submit.WaitForErrorAsync("1 refused"));
    }

    public void Dispose() => _folder.Dispose();

    private async Task<string> LocalHashAsync(string isa) =>
        (await Command.RunAsync(Spirals.Command("run", [.. Short, $"workers.isa={isa}"], "--format", "json", "--out", _folder.New("local")))).Expect(0).WeightsSha256;

    private static JsonElement Event(CommandResult run, string name) => File.ReadLines(Path.Combine(run.Text("runDir"), "events.jsonl"))
        .Select(line => JsonDocument.Parse(line).RootElement).First(line => line.GetProperty("event").GetString() == name);
}
