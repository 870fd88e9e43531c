using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>A member that was frozen while all others died was given up like any other, and with it every step since the last checkpoint: a run without checkpoints began again at step 0.</summary>
public sealed class LastCopyTests
{
    [Fact]
    public void Play_OneIsFrozenAndTheOthersDie_GoesOnWithItsStateWhenItThaws() =>
        ExpectNothingLost(new Fault.Freeze(1_000_000, 0, 6_000_000), new Fault.Crash(1_100_000, 1, 100_000), new Fault.Crash(1_200_000, 2, 100_000));

    /// <summary>A freeze that passes by itself, and a kill in the moment of the thaw: the one is given up for its silence, the other is dead.</summary>
    [Fact]
    public void Play_AMemberThawsInTheMomentInWhichTheOthersDie_GoesOnWithItsState() =>
        ExpectNothingLost(new Fault.Freeze(1_000_000, 0, 1_400_000), new Fault.Crash(1_450_000, 1, 100_000), new Fault.Crash(1_450_000, 2, 100_000), new Fault.Freeze(2_410_000, 0, 4_000_000));

    [Fact]
    public void Play_EverybodyIsFrozenForNineSeconds_GoesOnFromWhereItWas() =>
        ExpectNothingLost(new Fault.Freeze(1_000_000, 0, 9_000_000), new Fault.Freeze(1_050_000, 1, 9_000_000), new Fault.Freeze(1_100_000, 2, 9_000_000));

    /// <summary>Nobody dies, and no way between two workers is cut: only the coordinator hears nobody until every stream has ended. The members train on meanwhile.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Play_TheWaysOfAllMembersToTheCoordinatorAreCut_TheirStateComesBack(int workers)
    {
        var cluster = Cluster([.. Enumerable.Range(0, workers).Select(worker => new Fault.Partition(1_000_000, worker, -1, false, 13_000_000))], workers, steps: 400);
        Assert.Null(cluster.Play());
        Assert.Equal((workers, 1), (cluster.Landed, cluster.Loads));
        Assert.Contains(cluster.Lines, line => line.Contains("records RunPaused", StringComparison.Ordinal) && line.Contains("No worker is left", StringComparison.Ordinal));
    }

    /// <summary>Whoever stays away is lost in the end, and the run does not wait for ever.</summary>
    [Fact]
    public void Play_TheLastOneNeverThaws_BeginsAgainAndSaysSo()
    {
        var cluster = Cluster([new Fault.Freeze(1_000_000, 0, 50_000_000), new Fault.Crash(1_100_000, 1, 100_000), new Fault.Crash(1_200_000, 2, 100_000)]);
        Assert.Contains("given up, and with it all that was left", cluster.Play(), StringComparison.Ordinal);
        Assert.Contains(cluster.Lines, line => line.Contains("records MembersSilent", StringComparison.Ordinal) && line.Contains("nobody else holds the run's state", StringComparison.Ordinal));
        Assert.True(cluster.Clock.Micros > 25_000_000, $"It was given up after {cluster.Clock.Micros / 1e6:0.0} s.");
    }

    private static void ExpectNothingLost(params Fault[] faults)
    {
        var cluster = Cluster(faults);
        Assert.Null(cluster.Play());
        Assert.Equal((faults.Length, 1), (cluster.Landed, cluster.Loads));
    }

    private static SimCluster Cluster(Fault[] faults, int workers = 3, long steps = 60) => new(
        1, isTraced: true, faults: faults,
        settings: new SimSettings { Workers = workers, MinWorkers = 1, LogicalRanks = 6, Steps = steps, CheckpointEvery = 1000, PassMicros = 50_000 });
}
