using System.Collections.Immutable;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Revival;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using Orchestrator.Core.Messages;
using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Pool;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>Several runs on one pool of workers, under crashes, freezes, leavers, joiners and other numbers of workers.</summary>
public sealed class PoolTests
{
    /// <summary>Each takes some fifty milliseconds.</summary>
    private const int Seeds = 150;

    private const int MostSeeds = 2000;

    /// <summary>With owners that die each takes some three times as long.</summary>
    private const int OwnedSeeds = 60;

    private static readonly Bug[] Bugs =
    [
        new StateBug("a run does not give workers up for others", run => run.Shed.IsEmpty ? run : run with { Leavers = run.Leavers.Except(run.Shed), Shed = [] }),
        new StateBug("a run gives all but one of its workers up", run => run.Shed.IsEmpty || run.Crew is not { } crew ? run : run with { Leavers = run.Leavers.Union(crew.Members.Keys.Skip(1)) }),
        new StateBug("the coordinator forgets whom a worker serves", run => run) { ForgetsServing = true },
        new TellBug("a worker that leaves for another run is not released", order => order is CoordinatorMessage.Release),
    ];

    /// <summary>In what outlives an owner of several runs.</summary>
    private static readonly Bug[] OwnerBugs =
    [
        new AdoptBug("the next owner takes the runs in in another order", runs => [.. runs.Reverse()]),
        new AdoptBug("the next owner forgets a run that waits", runs => [.. runs.Where(run => run.Snapshot.Phase != SnapshotPhase.Queued)]),
        new AdoptBug("a transaction stores one run's change only", runs => runs) { IsOneRun = true },
        new DrainBug("the next owner forgets who was drained") { IsForgotten = true },
        new DrainBug("who is drained is not stored") { IsNotStored = true },
    ];

    public static TheoryData<string> Names() => [.. Bugs.Select(bug => bug.Name)];

    [Fact]
    public void Play_ManySeeds_EveryRunHasItsOwnBitsAndItsShare() => Play(1, Seeds);

    [Fact, Trait("Category", "Long")]
    public void Play_FiveThousandSeeds_EveryRunHasItsOwnBitsAndItsShare() => Play(1, 5000);

    [Fact]
    public void Play_ManySeedsWhereOwnersDie_EveryRunHasItsOwnBitsAndItsShare() => Play(1, OwnedSeeds, isOwned: true);

    [Fact, Trait("Category", "Long")]
    public void Play_FiveThousandSeedsWhereOwnersDie_EveryRunHasItsOwnBitsAndItsShare() => Play(1, 5000, isOwned: true);

    public static TheoryData<string> OwnerNames() => [.. OwnerBugs.Select(bug => bug.Name)];

    [Theory]
    [MemberData(nameof(OwnerNames))]
    public void Play_OneLineIsWrongWhereOwnersDie_IsCaught(string name) => Catch(OwnerBugs.Single(each => each.Name == name), isOwned: true);

    [Theory]
    [MemberData(nameof(Names))]
    public void Play_OneLineIsWrong_IsCaught(string name) => Catch(Bugs.Single(each => each.Name == name), isOwned: false);

    private static void Catch(Bug bug, bool isOwned)
    {
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            if (new PoolCluster(seed, bug, isOwned: isOwned).Play() is { } violation)
            {
                TestContext.Current.SendDiagnosticMessage($"{bug.Name}: seed {seed}: {violation}");
                return;
            }
        }

        Assert.Fail($"{MostSeeds} seeds did not show that {bug.Name}.");
    }

    /// <summary>The store was slow while runs were taken over: workers opened another stream before they were welcomed, and the end of the first one took them from the pool for ever.</summary>
    [Theory]
    [InlineData(626)]
    [InlineData(252)] // a run that was about to wait had members that were to come back: without them another run seemed too large for the pool, and one of a lower priority passed it
    [InlineData(1217)]
    [InlineData(895)]
    [InlineData(900)] // of the simulator: it counted starts that an owner had decided and that were not stored
    [InlineData(1068)]
    public void Play_ASeedWithOwnersThatOnceFoundABug_KeepsEveryPromise(int seed) => Assert.Null(new PoolCluster(seed, isOwned: true).Play());

    /// <summary>A worker that is to join one run, and has just loaded it, is asked by the next: its answer is on the way, both runs are in their first generation, and it must not count in the second.</summary>
    [Fact]
    public void Play_AJoinersAnswerComesWhenItIsAskedByAnotherRun_CountsInItsOwnRunOnly()
    {
        var caught = 0;
        for (var seed = 1; seed <= 200; seed++)
        {
            var plan = new PoolPlan
            {
                Settings = new SimSettings { Workers = 3, MinWorkers = 1, LogicalRanks = 4, Steps = 20, CheckpointEvery = 100, PassMicros = 5000 },
                Jobs = [new PoolJob(new RunId("run-1"), 0, 1, 1, 3, 0), new PoolJob(new RunId("run-2"), 20_000 + (seed * 200), 1, 1, 3, 0)],
                Faults = [new PoolFault(PoolFaultKind.SlowNetwork, 10_000, 0, 100_000, 0, 1)],
            };
            Assert.Null(new PoolCluster(seed, plan: plan).Play());
            caught += new PoolCluster(seed, new UnnamedBug("a worker does not say which run its words are about"), plan: plan).Play() is null ? 0 : 1;
        }

        Assert.True(caught > 0, "No seed showed what happens when a worker does not say which run its words are about.");
        TestContext.Current.SendDiagnosticMessage($"{caught} of 200 seeds show what happens when a worker does not say which run its words are about.");
    }

    /// <summary>Six equal runs on four workers, nothing goes wrong.</summary>
    [Fact]
    public void Play_SixRunsOnFourWorkers_AllEndAndFourTrainAtATime()
    {
        var plan = new PoolPlan
        {
            Settings = new SimSettings { Workers = 4, MinWorkers = 1, LogicalRanks = 8, Steps = 200, CheckpointEvery = 100, PassMicros = 5000 },
            Jobs = [.. Enumerable.Range(1, 6).Select(number => new PoolJob(new RunId($"run-{number}"), number * 700_000, 1, 4, 4, 0))],
            Faults = [],
        };
        var cluster = new PoolCluster(1, plan: plan);
        Assert.Null(cluster.Play());
        Assert.True(cluster.QuietMoments > 100 && cluster.Moves >= 4, $"{cluster.QuietMoments} quiet moments, {cluster.Moves} moves");
    }

    private static void Play(int first, int count, bool isOwned = false)
    {
        var broken = new SortedDictionary<int, string>();
        var (quiet, moves, terms, waited, passes, zoned, drained, gate) = (0L, 0L, 0L, 0L, 0L, 0, 0L, new Lock());
        var faults = new SortedDictionary<PoolFaultKind, int>();
        Parallel.For(first, first + count, seed =>
        {
            var cluster = new PoolCluster(seed, isOwned: isOwned);
            var violation = cluster.Play();
            lock (gate)
            {
                if (violation is not null)
                {
                    broken[seed] = violation;
                }

                (quiet, moves, terms, waited) = (quiet + cluster.QuietMoments, moves + cluster.Moves, terms + cluster.Terms, waited + cluster.QueuedOverTerms);
                drained += cluster.DrainedOverTerms;
                (passes, zoned) = (passes + cluster.Passes, zoned + (cluster.Plan.Jobs.Any(job => job.Zone is not null) ? 1 : 0));
                foreach (var fault in cluster.Plan.Faults)
                {
                    faults[fault.Kind] = faults.GetValueOrDefault(fault.Kind) + 1;
                }
            }
        });
        Assert.True(broken.Count == 0, $"{broken.Count} of {count} seeds broke a promise: {string.Join("\n", broken.Take(8).Select(entry => $"seed {entry.Key}: {entry.Value}"))}");
        TestContext.Current.SendDiagnosticMessage($"{quiet} quiet moments, {moves} moves, {terms} owners, {waited} runs waited while owners changed, {drained} times somebody drained came to another owner, {passes} passes, labels in {zoned} seeds; {string.Join(", ", faults.Select(fault => $"{fault.Value} {fault.Key}"))}");
        Assert.Equal(isOwned ? 10 : 6, faults.Count);
        Assert.True(!isOwned || drained > count / 4, $"{drained} times somebody drained came to another owner in {count} seeds.");
        Assert.True(passes > 0 && zoned > count / 10, $"{passes} passes, labels in {zoned} of {count} seeds.");
        Assert.True(!isOwned || (terms > count * 3 / 2 && waited > count / 2), $"{terms} owners and {waited} runs that waited in {count} seeds.");
        // An owner that is lost takes half of its time with it, and runs that are longer so that it is lost among them move less.
        Assert.True(quiet > count && moves > count / (isOwned ? 4 : 2), $"{quiet} quiet moments and {moves} moves in {count} seeds.");
    }

    private sealed record StateBug(string Name, Func<RunState, RunState> Change) : Bug(Name)
    {
        public bool ForgetsServing { get; init; }

        public override ClusterState State(ClusterState before, ClusterState after)
        {
            foreach (var run in after.Runs)
            {
                var next = Change(run);
                after = ReferenceEquals(run, next) ? after : after.With(next);
            }

            return ForgetsServing && after.Serving.Count > 2 ? after with { Serving = after.Serving.Remove(after.Serving.Keys.Last()) } : after;
        }
    }

    private sealed record TellBug(string Name, Func<CoordinatorMessage, bool> IsSwallowed) : Bug(Name)
    {
        public override ImmutableArray<ClusterEffect> Cluster(ClusterState before, ClusterEvent @event, ClusterState after, ImmutableArray<ClusterEffect> effects) =>
            [.. effects.Where(effect => effect is not ClusterEffect.ForRun { Effect: RunEffect.Tell tell } of || !IsSwallowed(tell.Message) || after.Find(of.Run) is { Phase: RunPhase.Ended })];
    }

    private sealed record AdoptBug(string Name, Func<ImmutableArray<RevivedRun>, ImmutableArray<RevivedRun>> Change) : Bug(Name)
    {
        public bool IsOneRun { get; init; }

        public override bool StoresOneRun => IsOneRun;

        public override ImmutableArray<RevivedRun> Adopted(ImmutableArray<RevivedRun> runs) => Change(runs);
    }

    private sealed record DrainBug(string Name) : Bug(Name)
    {
        public bool IsForgotten { get; init; }

        public bool IsNotStored { get; init; }

        public override PoolSnapshot AdoptedPool(PoolSnapshot pool) => IsForgotten ? PoolSnapshot.Empty : pool;

        public override ImmutableArray<ClusterEffect> Cluster(ClusterState before, ClusterEvent @event, ClusterState after, ImmutableArray<ClusterEffect> effects) =>
            IsNotStored ? [.. effects.Where(effect => effect is not ClusterEffect.StorePool)] : effects;
    }

    private sealed record UnnamedBug(string Name) : Bug(Name)
    {
        public override bool LeavesRunOut => true;
    }
}
