using Orchestrator.Core.Identities;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Pool;

/// <summary>What one seed of several runs on one pool is like.</summary>
public sealed record PoolPlan
{
    public required SimSettings Settings { get; init; }

    public required IReadOnlyList<PoolJob> Jobs { get; init; }

    public required IReadOnlyList<PoolFault> Faults { get; init; }

    public static PoolPlan Draw(Random random)
    {
        var workers = random.Next(2, 6);
        var settings = new SimSettings
        {
            Workers = workers, MinWorkers = 1, LogicalRanks = random.Next(3, 9), Steps = random.Next(20, 60), CheckpointEvery = random.Next(5, 30), PassMicros = random.NextInt64(2000, 20_000),
        };
        var jobs = Enumerable.Range(1, random.Next(2, 7)).Select(number =>
        {
            var min = random.Next(3) > 0 ? 1 : random.Next(1, workers + 1);

            // Whoever desires more than there are waits a while for others to attach.
            var desired = Math.Min(min + random.Next(0, 4), random.Next(5) == 0 ? 9 : workers);
            return new PoolJob(
                new RunId($"run-{number}"), random.Next(3) == 0 ? 0 : random.NextInt64(1_500_000), min, desired, desired + random.Next(0, 4), random.Next(3) == 0 ? random.Next(1, 3) : 0);
        }).ToList();
        var faults = Enumerable.Range(0, random.Next(3) == 0 ? 0 : random.Next(1, 6)).Select(_ =>
        {
            var (at, back) = (random.NextInt64(3_000_000), random.NextInt64(random.Next(3) == 0 ? 3_000_000 : 200_000));
            return new PoolFault((PoolFaultKind)random.Next(1, 7), at, random.Next(workers), back, random.Next(jobs.Count), 1 + random.Next(workers + 1));
        }).OrderBy(fault => fault.AtMicros).ToList();
        return new PoolPlan { Settings = settings, Jobs = jobs, Faults = faults };
    }
}

/// <summary>A run that is submitted at some time.</summary>
public sealed record PoolJob(RunId Run, long AtMicros, int Min, int Desired, int Max, int Priority);

/// <summary>What goes wrong, or is asked for. Workers are named by their place.</summary>
/// <param name="Kind">What.</param>
/// <param name="AtMicros">When.</param>
/// <param name="Worker">Whoever stands in that place then.</param>
/// <param name="Micros">Until it is over, or another process takes the place.</param>
/// <param name="Job">Whose number of workers is changed.</param>
/// <param name="Desired">To what.</param>
public sealed record PoolFault(PoolFaultKind Kind, long AtMicros, int Worker, long Micros, int Job, int Desired);

public enum PoolFaultKind
{
    Unspecified = 0,
    Crash = 1,
    Freeze = 2,

    /// <summary>SIGTERM.</summary>
    Leave = 3,

    /// <summary>A worker more.</summary>
    Join = 4,

    /// <summary>A person wants another number of workers for one run.</summary>
    Scale = 5,

    /// <summary>Messages take up to a tenth of a second.</summary>
    SlowNetwork = 6,
}
