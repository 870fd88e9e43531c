using Orchestrator.Core.Identities;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Simulation.Pool;

/// <summary>What one seed of several runs on one pool is like.</summary>
public sealed record PoolPlan
{
    public required SimSettings Settings { get; init; }

    public required IReadOnlyList<PoolJob> Jobs { get; init; }

    public required IReadOnlyList<PoolFault> Faults { get; init; }

    /// <summary>The zone of the worker in each place; one that joins later, and those behind the end, have none.</summary>
    public IReadOnlyList<string?> Zones { get; init; } = [];

    /// <summary>Owners that die, freeze or lose the store; 0: there is one coordinator, and it has no store.</summary>
    public int Coordinators { get; init; }

    /// <summary>The same, with several coordinators on one store, of which the owner dies or freezes once at least: often while runs wait.</summary>
    public static PoolPlan DrawOwned(Random random)
    {
        var plan = Draw(random);

        // Steps are long and many enough that a take-over happens among them.
        var settings = plan.Settings with { Steps = random.Next(20, 60), PassMicros = random.NextInt64(10_000, 60_000) };
        var faults = Enumerable.Range(0, random.Next(1, 5)).Select(number =>
        {
            var kind = number == 0 ? PoolFaultKind.OwnerCrash : random.Next(10) switch { < 6 => PoolFaultKind.OwnerCrash, < 9 => PoolFaultKind.OwnerFreeze, _ => PoolFaultKind.StoreDown };
            var at = plan.Faults.Count > 0 && random.Next(2) == 0 ? plan.Faults[random.Next(plan.Faults.Count)].AtMicros + random.NextInt64(100_000) : random.NextInt64(200_000, 12_000_000);
            return new PoolFault(kind, at, 0, random.NextInt64(kind == PoolFaultKind.OwnerFreeze ? 8_000_000 : 4_000_000), 0, random.Next(3) == 0 ? 0 : random.Next(12));
        });
        var coordinators = random.Next(2, 4);
        var ofOwners = faults.ToList();

        // Often just before the owner dies. Whoever is drained is taken back, or nobody might be left for a run.
        var drains = Enumerable.Range(0, random.Next(4)).Select(_ => new PoolFault(
            PoolFaultKind.Drain, random.Next(3) > 0 ? Math.Max(0, ofOwners[random.Next(ofOwners.Count)].AtMicros - random.NextInt64(600_000)) : random.NextInt64(12_000_000),
            random.Next(settings.Workers), random.NextInt64(1_000_000, 10_000_000), 0, 0));
        return plan with { Settings = settings, Coordinators = coordinators, Faults = [.. plan.Faults.Concat(ofOwners).Concat(drains).OrderBy(fault => fault.AtMicros)] };
    }

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
        var plan = new PoolPlan { Settings = settings, Jobs = jobs, Faults = faults };
        return random.Next(3) == 0 ? WithZones(plan, random) : plan;
    }

    /// <summary>Some workers are in one of two zones, and some runs ask for one: never for more of its workers than there are.</summary>
    private static PoolPlan WithZones(PoolPlan plan, Random random)
    {
        var zones = Enumerable.Range(0, plan.Settings.Workers).Select(_ => random.Next(3) switch { 0 => "north", 1 => "south", _ => null }).ToList();
        return plan with
        {
            Zones = zones,
            Jobs =
            [
                .. plan.Jobs.Select(job => (Job: job, Zone: random.Next(2) == 0 ? null : random.Next(2) == 0 ? "north" : "south"))
                    .Select(each => each.Zone is { } zone && zones.Count(its => its == zone) is > 0 and var count ? each.Job with { Zone = zone, Min = Math.Min(each.Job.Min, count) } : each.Job),
            ],
        };
    }
}

/// <summary>A run that is submitted at some time.</summary>
/// <param name="Zone">Only workers of this zone serve it; null: any.</param>
public sealed record PoolJob(RunId Run, long AtMicros, int Min, int Desired, int Max, int Priority, string? Zone = null);

/// <summary>What goes wrong, or is asked for. Workers are named by their place.</summary>
/// <param name="Kind">What.</param>
/// <param name="AtMicros">When.</param>
/// <param name="Worker">Whoever stands in that place then.</param>
/// <param name="Micros">Until it is over, or another process takes the place.</param>
/// <param name="Job">Whose number of workers is changed.</param>
/// <param name="Desired">To what; of an owner that dies, how many records and orders it carries out before.</param>
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

    /// <summary>The coordinator that owns the runs is killed; another process takes its place.</summary>
    OwnerCrash = 7,

    OwnerFreeze = 8,

    /// <summary>The store answers nobody.</summary>
    StoreDown = 9,

    /// <summary>A person drains a worker, and takes it back.</summary>
    Drain = 10,
}
