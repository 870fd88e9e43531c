using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>A joiner that never got ready was waited for as long as the run went on, and nobody was asked in its place; one that hung while it took a state over was given three donors, released, and never used again.</summary>
public sealed class JoinerHangTests
{
    [Theory]
    [InlineData(true, "it did not get ready within 60 s")]
    [InlineData(false, "its training thread hangs: it has taken over the state of step")]
    public void Play_AJoinerHangsForEver_IsGivenUpAndAnotherComesIn(bool isPreparing, string reason)
    {
        var settings = new SimSettings { Workers = 3, MinWorkers = 1, LogicalRanks = 6, Steps = 450, CheckpointEvery = 10_000, PassMicros = 100_000 };
        var cluster = new SimCluster(1, isTraced: true, faults: [new Fault.HangJoiner(500_000, isPreparing, 100_000), new Fault.Crash(1_000_000, 2, 100_000)], settings: settings);
        Assert.Null(cluster.Play());
        Assert.Equal((2, 1), (cluster.Landed, cluster.Loads));
        Assert.Contains(cluster.Lines, line => line.Contains("evicts ", StringComparison.Ordinal) && line.Contains(reason, StringComparison.Ordinal));

        // The others never stopped for it: the only fence is that of the death, and the next joiner came in.
        Assert.Equal(["G2"], cluster.Lines.Where(line => line.Contains(": Fence {", StringComparison.Ordinal)).Select(line => line.Split("Generation = ")[1].Split(',')[0]).Distinct());
        Assert.Equal((3, 3), (cluster.Run!.GenerationSize, cluster.Run.FormedGenerations));
    }

    /// <summary>The run is below workers.min and stands still until the joiner is in: what it waits for must not wait for ever.</summary>
    [Fact]
    public void Play_ARunThatWaitsForJoinersThatHang_EndsAllTheSame()
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var settings = new SimSettings { Workers = 3, MinWorkers = 3, LogicalRanks = 6, Steps = 40, CheckpointEvery = 7, PassMicros = 20_000 };
            List<Fault> faults =
            [
                new Fault.HangJoiner(0, random.Next(2) == 0, random.NextInt64(500_000)), new Fault.Crash(random.NextInt64(1_500_000), random.Next(3), random.NextInt64(500_000)),
                new Fault.Freeze(random.NextInt64(2_000_000), random.Next(3), random.NextInt64(5_000_000)),
            ];
            Assert.Null(new SimCluster(seed, faults: faults, settings: settings).Play() is { } violation ? $"seed {seed}: {violation}" : null);
        }
    }
}
