using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>A member of a run that was paused below workers.min was told to end, and waited for others as long as nobody came; whoever then took its host away took the run's state with it.</summary>
public sealed class LeaveTests
{
    [Theory]
    [InlineData(1_000_000)]
    [InlineData(501_000)] // in the middle of the fence
    public void Play_TheOnlyOneThatIsLeftIsToldToEndWhileTheRunIsPaused_WritesWhatItHoldsAndGoes(long atMicros)
    {
        var settings = new SimSettings { Workers = 2, MinWorkers = 2, LogicalRanks = 4, Steps = 60, CheckpointEvery = 10_000, PassMicros = 20_000 };
        var cluster = new SimCluster(1, isTraced: true, faults: [new Fault.Crash(500_000, 1, 60_000_000), new Fault.Leave(atMicros, 0, 100_000)], settings: settings);
        Assert.Null(cluster.Play());
        Assert.Equal(2, cluster.Landed);
        Assert.DoesNotContain(cluster.Lines, line => line.Contains("StepsLost", StringComparison.Ordinal));
        var death = Assert.Single(cluster.Lines, line => line.Contains("p-1 ", StringComparison.Ordinal) && line.EndsWith(" dies", StringComparison.Ordinal));
        Assert.True(double.Parse(death.TrimStart().Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture) < 5000, death);
    }
}
