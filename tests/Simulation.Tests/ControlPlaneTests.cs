using Orchestrator.Simulation.ControlPlane;
using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Tests;

/// <summary>What the control plane costs must not grow faster than the number of workers. Counts are judged, and never time.</summary>
public sealed class ControlPlaneTests
{
    private static readonly int[] Sizes = [10, 100, 1000];

    /// <summary>Down: Fence and Activate. Up: the broken link, Fenced and Entered.</summary>
    [Fact]
    public void Measure_OneWorkerDies_FiveMessagesForEachThatIsLeft()
    {
        foreach (var workers in Sizes)
        {
            var cost = Cost(workers, ControlPlaneBench.Failure);
            Assert.Equal((2 * (workers - 1), 3 * (workers - 1), (3 * (workers - 1)) + 1), ((int)cost.ToWorkers, (int)cost.ToCoordinator, (int)cost.Events));
            Assert.InRange(cost.Records, workers, workers + 2);
        }
    }

    [Theory]
    [InlineData(ControlPlaneBench.Forming, 5)]
    [InlineData(ControlPlaneBench.Step, 1)]
    [InlineData(ControlPlaneBench.Checkpoint, 1.1)]
    [InlineData(ControlPlaneBench.Heartbeats, 4)]
    [InlineData(ControlPlaneBench.Join, 2.8)]
    [InlineData(ControlPlaneBench.End, 2.1)]
    public void Measure_AnyAct_MessagesOfAWorkerAreBounded(string act, double most)
    {
        foreach (var workers in Sizes)
        {
            Assert.InRange(Cost(workers, act).MessagesPerWorker, 1, most);
        }
    }

    /// <summary>Trees of ten thousand are a few levels deeper than trees of ten; a list of all members made for each of them, or a look at all who are attached at each who comes, would show as a hundredfold.</summary>
    [Fact]
    public void Measure_AHundredTimesTheWorkers_AllocatesAtMostThriceAsMuchForEach()
    {
        foreach (var (few, many) in Measured(Sizes[0]).Zip(Measured(Sizes[^1])))
        {
            var growth = many.AllocatedBytes / Sizes[^1] / (few.AllocatedBytes / Sizes[0]);
            Assert.True(growth <= 3, $"{many.Act}: {few.AllocatedBytes / Sizes[0]:0} bytes for each of {Sizes[0]}, {many.AllocatedBytes / Sizes[^1]:0} for each of {Sizes[^1]}");
        }
    }

    /// <summary>The members of the bench answer by rule; those of the seeds are the real machines.</summary>
    [Fact]
    public void Play_OneOfTenDies_TheRealMembersSayWhatTheRulesSay()
    {
        var settings = new SimSettings { Workers = 10, MinWorkers = 1, LogicalRanks = 10, Steps = 5, CheckpointEvery = 100, PassMicros = 20_000 };
        var cluster = new SimCluster(1, isTraced: true, faults: [new Fault.Crash(80_000, 4, 600_000_000)], settings: settings);
        Assert.Null(cluster.Play());
        Assert.Equal((9, 9, 9), (Count("Message = Fenced"), Count(": Fence {"), Count("Message = Entered { Run = run, Generation = G2")));
        Assert.Equal(9, Count(": Activate { Generation = G2"));

        int Count(string text) => cluster.Lines.Count(line => line.Contains("coordinator ", StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal));
    }

    private static ControlPlaneCost Cost(int workers, string act) => Measured(workers).Single(cost => cost.Act == act);

    private static IReadOnlyList<ControlPlaneCost> Measured(int workers)
    {
        lock (Known)
        {
            return Known.TryGetValue(workers, out var known) ? known : Known[workers] = ControlPlaneBench.Measure(workers);
        }
    }

    private static readonly Dictionary<int, IReadOnlyList<ControlPlaneCost>> Known = [];
}
