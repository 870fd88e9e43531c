using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

public sealed class SeedTests
{
    [Fact]
    public void Play_TwoThousandSeeds_KeepEveryPromise()
    {
        var report = SeedRange.Play(1, 2000);
        Assert.Empty(report.Failures.Select(failure => $"seed {failure.Seed}: {failure.Violation}"));
        Assert.True(report.Faults.Count >= 14, $"Only these kinds of fault were drawn: {string.Join(", ", report.Faults.Keys)}");
    }

    /// <summary>A donor that left took its feed along, and a worker that was told to end in the moment of its activation ended at once: both cost a fence.</summary>
    [Fact]
    public void Play_OnlyLeavesAndAnotherNumberOfWorkers_NeedNoFence()
    {
        var report = SeedRange.Play(1, 2000, isPlanned: true);
        Assert.Empty(report.Failures.Select(failure => $"seed {failure.Seed}: {failure.Violation}"));
        Assert.Equal(2, report.Faults.Count);
    }

    /// <summary>Several coordinators share a store whose answers are lost, late and doubled; owners die, also between two orders of one decision, freeze and thaw. Steps go on while nobody owns the run.</summary>
    [Fact]
    public void Play_OwnersDieAmongAllElse_KeepsEveryPromise() => PlayOwners(1, 400);

    [Fact]
    [Trait("Category", "Long")]
    public void Play_OwnersDieInTwentyThousandSeeds_KeepsEveryPromise() => PlayOwners(1, 20_000);

    /// <summary>Members that were fenced for a generation which was stored and not told waited for ever; an owner that thawed took the run's files from the next one; a run's end was
    /// stored and the rest of its ledger was not written; steps are open for as long as a member that trains on is not heard.</summary>
    [Theory]
    [InlineData(1764)]
    [InlineData(2857)]
    [InlineData(474)]
    [InlineData(504)]
    [InlineData(3735)]
    [InlineData(19059)]
    [InlineData(3901)] // of the simulator: a worker left while nobody owned the run, and the next owner was told of 22 steps that it had not taken
    [InlineData(23725)] // the same, when a part of a step was in the ledger
    [InlineData(25305)] // of the simulator: what a member told of a lost one's step came behind the word that the step is recorded, in the report of a later step
    [InlineData(10383)] // a run went on from a checkpoint behind what its ledger had, everybody was gone who could have told the rest, and it did not say so
    public void Play_ASeedWithOwnersThatOnceFoundABug_KeepsEveryPromise(int seed) => Assert.Null(new SimCluster(seed, isOwned: true).Play());

    private static void PlayOwners(int first, int count)
    {
        var report = SeedRange.Play(first, count, isOwned: true);
        Assert.Empty(report.Failures.Select(failure => $"seed {failure.Seed}: {failure.Violation}"));
        TestContext.Current.SendDiagnosticMessage($"{report.Terms} owners of {report.Seeds} runs; {report.StepsAlone} steps were applied while nobody owned one.");
        Assert.True(report.Terms > report.Seeds * 3 / 2 && report.StepsAlone > report.Seeds, $"{report.Terms} owners of {report.Seeds} runs, {report.StepsAlone} steps without one.");
        Assert.True(report.Faults.Count >= 17, $"Only these kinds of fault were drawn: {string.Join(", ", report.Faults.Keys)}");
    }

    /// <summary>Members that add up for others die, freeze and leave like all others; sums on their way lie in memory that is written again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Play_AllReduceInGroups_KeepsEveryPromise(int mostDirect) =>
        Assert.Empty(SeedRange.Play(1, 600, mostDirect: mostDirect).Failures.Select(failure => $"seed {failure.Seed}: {failure.Violation}"));

    [Fact]
    [Trait("Category", "Long")]
    public void Play_AHundredThousandSeeds_KeepEveryPromise() =>
        Assert.Empty(SeedRange.Play(1, 100_000).Failures.Select(failure => $"seed {failure.Seed}: {failure.Violation}"));

    /// <summary>Each of them once showed a bug: a fenced joiner that would not feed others, joiners that left or were lost and were still counted, the state of a
    /// second feed taken for a later step, partials of a member that was behind computed twice,
    /// the last step of a member that had reported none before, never counted and never stored in the ledger,
    /// an end behind an older step than a checkpoint whose writer was lost, a member whose first report of all did not tell what it had heard.</summary>
    [Theory]
    [InlineData(1923)]
    [InlineData(2418)]
    [InlineData(19557)]
    [InlineData(42697)]
    [InlineData(78805)]
    [InlineData(5374)]
    [InlineData(15211)]
    [InlineData(73561)]
    [InlineData(74515)]
    [InlineData(8337)]
    [InlineData(21151)]
    [InlineData(73723)]
    [InlineData(83504)]
    [InlineData(225798)] // members that had ended for a leaver lost their streams, came back, and the run was over as if a person had stopped it
    [InlineData(5355)] // members came back after all their streams had ended, and joiners were prepared from a later checkpoint than theirs: every one was refused
    [InlineData(210788)] // of the simulator: a joiner loaded the state of its second feed as that of the first
    public void Play_ASeedThatOnceFoundABug_KeepsEveryPromise(int seed) => Assert.Null(new SimCluster(seed).Play());

    /// <summary>Members had agreed to end after a step; one was still writing its checkpoint when their generation was given up, and its word for the old end counted in the new one.</summary>
    [Theory]
    [InlineData(838)]
    [InlineData(1658)]
    public void Play_APlannedSeedThatOnceFoundABug_KeepsEveryPromise(int seed) => Assert.Null(new SimCluster(seed, isPlanned: true).Play());

    [Fact]
    public void Play_OneOfThreeWorkersIsSlowedToAThird_ItsRanksMoveAndTheRunIsFasterThanWithEqualShares()
    {
        const int steps = 200;
        const long pass = 20_000;
        var settings = new SimSettings { Workers = 3, MinWorkers = 1, LogicalRanks = 8, Steps = steps, CheckpointEvery = 1000, PassMicros = pass };
        var cluster = new SimCluster(1, isTraced: true, faults: [new Fault.Slow(100_000, 2, 3, 1_000_000_000)], settings: settings);
        Assert.Null(cluster.Play());
        Assert.Contains(cluster.Lines, line => line.Contains("for a logical rank and the fastest", StringComparison.Ordinal));

        // With equal shares every step waits for three passes of the slow one.
        const long equalShares = steps * 3 * 3 * pass;
        Assert.True(equalShares > 1.5 * cluster.Clock.Micros, $"{cluster.Clock.Micros / 1e6:0.0} s against {equalShares / 1e6:0.0} s");
    }
}
