using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Core.Identities;
using static Orchestrator.Coordinator.Core.Tests.Conversation;

namespace Orchestrator.Coordinator.Core.Tests.Members;

/// <summary>Three fake members that keep their promises; one of them, or two, die at every possible point. The run ends with every step.</summary>
public sealed class DeathAtEveryPointTests
{
    private const int Steps = 6;
    private const int MaxEvents = 5000;

    private static FakeCluster Create(int seed, int workers = 3, int min = 1) => new(seed, workers, Job(min: min, desired: workers, steps: Steps, logicalRanks: 8));

    /// <returns>How many events it took.</returns>
    private static int Finish(FakeCluster cluster, int seed, Action<int>? before = null)
    {
        for (var i = 0; i < MaxEvents; i++)
        {
            if (cluster.Run.Phase is RunPhase.Ended)
            {
                return i;
            }

            before?.Invoke(i);
            cluster.Step();
        }

        throw new InvalidOperationException($"seed {seed}: the run is {cluster.Run.Phase} after {MaxEvents} events.\n{cluster.Tail}");
    }

    private static void ExpectSuccess(FakeCluster cluster, int seed)
    {
        var ended = Assert.IsType<RunPhase.Ended>(cluster.Run.Phase);
        if (ended.Outcome.Result != RunResult.Succeeded)
        {
            Assert.Fail($"seed {seed}: {ended.Outcome.Reason}\n{cluster.Tail}");
        }

        Assert.Equal(Steps, cluster.Run.Progress.Step);
        Assert.Equal($"w{Steps}", ended.Outcome.WeightsSha256);
        Assert.Equal(Enumerable.Range(1, Steps).Select(step => (long)step), cluster.DecidedIn.Keys);
    }

    [Fact]
    public void Quiet_ManyOrders_IsOneGenerationAndEveryStepOnce()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var cluster = Create(seed);
            Finish(cluster, seed);

            ExpectSuccess(cluster, seed);
            Assert.Equal(1, cluster.Run.FormedGenerations);
            Assert.All(cluster.DecidedIn.Values, who => Assert.Equal(3, who.Count));
            Assert.Equal(0, cluster.Run.LostLogicalRankSteps);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void OneDies_AtEveryPoint_TheOthersGoOn(int victim)
    {
        var regrouped = 0;
        for (var seed = 0; seed < 4; seed++)
        {
            var quiet = Finish(Create(seed), seed);
            for (var point = 0; point < quiet; point++)
            {
                var cluster = Create(seed);
                var at = point;
                Finish(cluster, seed, i =>
                {
                    if (i == at)
                    {
                        cluster.Kill(WorkerId.FromNumber(victim));
                    }
                });

                ExpectSuccess(cluster, seed);
                Assert.InRange(cluster.Run.FormedGenerations, 1, 2);
                Assert.InRange(cluster.Run.LostLogicalRankSteps, 0, 3);
                regrouped += cluster.Run.FormedGenerations - 1;
            }
        }

        Assert.True(regrouped > 50, $"{regrouped} runs formed a second generation");
    }

    [Fact]
    public void TwoDie_AtAnyPoints_TheLastOneGoesOn()
    {
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var (first, second) = (random.Next(120), random.Next(120));
            var cluster = Create(seed);
            Finish(cluster, seed, i =>
            {
                if (i == first || i == second)
                {
                    cluster.Kill(WorkerId.FromNumber(i == first ? 1 + (seed % 3) : 1 + ((seed + 1) % 3)));
                }
            });

            ExpectSuccess(cluster, seed);
        }
    }

    [Fact]
    public void OneDiesAndAnotherComes_AtAnyPoints_TheRunHasThreeAgainOrHasEnded()
    {
        var joined = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            var (death, arrival, second) = (random.Next(80), random.Next(80), random.Next(200));
            var cluster = Create(seed);
            Finish(cluster, seed, i =>
            {
                if (i == death)
                {
                    cluster.Kill(WorkerId.FromNumber(1 + (seed % 3)));
                }

                if (i == arrival)
                {
                    cluster.Attach();
                }

                if (i == second && seed % 2 == 0)
                {
                    cluster.Kill(WorkerId.FromNumber(random.Next(1, 5) is var worker && cluster.Find(WorkerId.FromNumber(worker)) is { IsAlive: true } ? worker : 1 + ((seed + 1) % 3)));
                }
            });

            ExpectSuccess(cluster, seed);
            joined += cluster.Records.OfType<RunRecord.GenerationFormed>().Any(record => record.Formed.Workers.Contains(WorkerId.FromNumber(4))) ? 1 : 0;
        }

        Assert.True(joined > 60, $"{joined} runs took the fourth in");
    }

    [Fact]
    public void OneFreezes_AtAnyPoint_IsGivenUpAndTheOthersGoOn()
    {
        var evictions = 0;
        for (var seed = 0; seed < 500; seed++)
        {
            var at = new Random(seed).Next(60);
            var cluster = Create(seed);
            Finish(cluster, seed, i =>
            {
                // While it loads, only the stream's own pings tell.
                if (i >= at && cluster.Run.Phase is RunPhase.Running)
                {
                    cluster.Find(WorkerId.FromNumber(1 + (seed % 3)))!.IsFrozen = true;
                }
            });

            ExpectSuccess(cluster, seed);
            evictions += cluster.Trace.OfType<RunEffect.Evict>().Count();
        }

        Assert.True(evictions > 200, $"{evictions} evictions");
    }

    [Fact]
    public void AllDie_AtAnyPoint_TheRunWaitsAndGoesOnFromTheBeginning()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var at = new Random(seed).Next(60);
            var cluster = Create(seed);
            Finish(cluster, seed, i =>
            {
                if (i == at)
                {
                    cluster.Alive.ToList().ForEach(member => cluster.Kill(member.Id));
                }

                if (i == at + 10)
                {
                    cluster.Attach();
                }
            });

            ExpectSuccess(cluster, seed);
        }
    }

    [Fact]
    public void BelowMin_TheRunPausesAndGoesOnWithTheJoiner()
    {
        var paused = 0;
        for (var seed = 0; seed < 500; seed++)
        {
            var at = new Random(seed).Next(60);
            var cluster = Create(seed, workers: 3, min: 3);
            Finish(cluster, seed, i =>
            {
                if (i == at)
                {
                    cluster.Kill(WorkerId.FromNumber(1 + (seed % 3)));
                }

                if (i == at + 20)
                {
                    cluster.Attach();
                }
            });

            ExpectSuccess(cluster, seed);
            paused += cluster.Records.Any(record => record is RunRecord.RunResumed) ? 1 : 0;
        }

        Assert.True(paused > 100, $"{paused} runs were paused and resumed");
    }

    [Fact]
    public void OneDrains_AtAnyPoint_NothingIsLost()
    {
        var left = 0;
        for (var seed = 0; seed < 500; seed++)
        {
            var at = new Random(seed).Next(60);
            var cluster = Create(seed);
            Finish(cluster, seed, i =>
            {
                if (i == at)
                {
                    cluster.Hear(new ClusterEvent.DrainRequested(WorkerId.FromNumber(1 + (seed % 3))));
                }
            });

            ExpectSuccess(cluster, seed);
            Assert.Equal(0, cluster.Run.LostLogicalRankSteps);
            left += cluster.Records.OfType<RunRecord.WorkerLeft>().Count();
        }

        Assert.True(left > 100, $"{left} left");
    }
}
