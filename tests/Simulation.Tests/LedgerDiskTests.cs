using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>What the ledger's disk did not take was lost, and the members were told that it was recorded.</summary>
public sealed class LedgerDiskTests
{
    [Fact]
    public void Play_TheLedgersDiskIsFullForAWhile_TheRunTrainsOnAndAllIsCaughtUp()
    {
        var cluster = Cluster(isOwned: false, new Fault.LedgerDiskFull(500_000, 3_000_000));
        Assert.Null(cluster.Play());
        Assert.Equal((1, 1), (cluster.Landed, cluster.Loads));
        Expect(cluster, "records LedgerFailed", "records LedgerMended");
        Assert.True(StepsBetween(cluster) > 5, $"Only {StepsBetween(cluster)} steps were reported while the disk was full.");
    }

    /// <summary>Full when the run has nothing else left to do: it ends when the ledger is written.</summary>
    [Fact]
    public void Play_TheLedgersDiskIsFullAtTheEnd_TheEndWaitsForIt()
    {
        var cluster = Cluster(isOwned: false, new Fault.LedgerDiskFull(500_000, 60_000_000));
        Assert.Null(cluster.Play());
        Expect(cluster, "records LedgerFailed", "records LedgerMended", "records RunEnded");
        Assert.True(cluster.Clock.Micros > 60_000_000, $"It ended after {cluster.Clock.Micros / 1e6:0.0} s.");
    }

    /// <summary>The owner's memory has what the disk did not take, and dies with it: the members still have it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Play_TheOwnerDiesWhileTheDiskIsFull_TheNextOneHearsItFromTheMembers(int workers)
    {
        var cluster = Cluster(isOwned: true, workers, new Fault.LedgerDiskFull(2_000_000, 25_000_000), new Fault.OwnerCrash(10_000_000, 0, 1_000_000));
        Assert.Null(cluster.Play());
        Assert.Equal((2, 1), (cluster.Landed, cluster.Loads));
        Expect(cluster, "LedgerFailed {", "dies", "records RunAdopted", "LedgerFailed {", "LedgerWritten {");
    }

    private static int StepsBetween(SimCluster cluster) => cluster.Lines.SkipWhile(line => !line.Contains("records LedgerFailed", StringComparison.Ordinal))
        .TakeWhile(line => !line.Contains("records LedgerMended", StringComparison.Ordinal)).Count(line => line.Contains("coordinator ", StringComparison.Ordinal) && line.Contains("Progress {", StringComparison.Ordinal));

    private static void Expect(SimCluster cluster, params string[] words)
    {
        var lines = cluster.Lines.AsEnumerable();
        foreach (var word in words)
        {
            lines = lines.SkipWhile(line => !line.Contains(word, StringComparison.Ordinal)).ToList();
            Assert.True(lines.Any(), $"'{word}' did not come where it should: {string.Join(", ", words)}.");
            lines = lines.Skip(1);
        }
    }

    private static SimCluster Cluster(bool isOwned, params Fault[] faults) => Cluster(isOwned, 2, faults);

    private static SimCluster Cluster(bool isOwned, int workers, params Fault[] faults) => new(
        1, isTraced: true, faults: faults, isOwned: isOwned,
        settings: new SimSettings { Workers = workers, MinWorkers = 1, LogicalRanks = 6, Steps = isOwned ? 200 : 60, CheckpointEvery = 1000, PassMicros = 50_000 });
}
