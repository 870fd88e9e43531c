using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>One member cannot reach the coordinator and trains on with the others, thousands of short steps, until its stream breaks and it is given up.</summary>
public sealed class CutOffTests
{
    /// <summary>The others kept what they had heard of its last 64 steps, and the coordinator took what they told of so many: the ledger lacked the rest of what it fed, and nobody said so.
    /// With some of the seeds the owner loses its lease meanwhile, once or twice.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Play_TheWayOfOneMemberToTheOwnerIsCutForLongerThanItsStreamLives_TheLedgerIsWhole(int seed)
    {
        var cluster = new SimCluster(
            seed, isTraced: true, isOwned: true, faults: [new Fault.Partition(5_000_000, 1, -1, IsOneWay: true, 11_000_000)],
            settings: new SimSettings { Workers = 3, MinWorkers = 1, LogicalRanks = 6, Steps = 4000, CheckpointEvery = 500, PassMicros = 1500 });

        Assert.Null(cluster.Play());
        Assert.Equal((1, 1), (cluster.Landed, cluster.Loads));
        Assert.Contains(cluster.Lines, line => line.Contains("records GenerationFormed", StringComparison.Ordinal));
        Assert.DoesNotContain(cluster.Lines, line => line.Contains("records RunWarned", StringComparison.Ordinal));
        Assert.Null(cluster.LedgerGap);
    }
}
