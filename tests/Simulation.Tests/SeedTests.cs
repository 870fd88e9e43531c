namespace Orchestrator.Simulation.Tests;

public sealed class SeedTests
{
    [Fact]
    public void Play_TwoThousandSeeds_KeepEveryPromise()
    {
        var report = SeedRange.Play(1, 2000);
        Assert.Empty(report.Failures.Select(failure => $"seed {failure.Seed}: {failure.Violation}"));
        Assert.True(report.Faults.Count >= 9, $"Only these kinds of fault were drawn: {string.Join(", ", report.Faults.Keys)}");
    }
}
