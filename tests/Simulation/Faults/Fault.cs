namespace Orchestrator.Simulation.Faults;

/// <summary>What goes wrong, and when. Workers are named by their place; whoever stands there then is meant.</summary>
public abstract record Fault(long AtMicros)
{
    public sealed record Crash(long AtMicros, int Worker, long BackAfterMicros) : Fault(AtMicros);

    public sealed record Freeze(long AtMicros, int Worker, long Micros) : Fault(AtMicros);

    /// <summary>The training thread hangs in whatever it does next, and the process beats on. One that is told to start afresh does, and another takes its place.</summary>
    public sealed record Hang(long AtMicros, int Worker, long Micros, long BackAfterMicros) : Fault(AtMicros);

    /// <summary>SIGTERM; another process takes its place.</summary>
    public sealed record Leave(long AtMicros, int Worker, long BackAfterMicros) : Fault(AtMicros);

    /// <param name="Other">A place, or the coordinator (-1).</param>
    /// <param name="IsOneWay">Only what Worker says is held up.</param>
    public sealed record Partition(long AtMicros, int Worker, int Other, bool IsOneWay, long Micros) : Fault(AtMicros);

    public sealed record Slow(long AtMicros, int Worker, double Factor, long Micros) : Fault(AtMicros);

    public sealed record Scale(long AtMicros, int Desired) : Fault(AtMicros);

    public sealed record SlowNetwork(long AtMicros, long LatencyMicros, long Micros) : Fault(AtMicros);

    /// <summary>Writing a checkpoint takes so many times longer.</summary>
    public sealed record SlowDisk(long AtMicros, double Factor, long Micros) : Fault(AtMicros);

    /// <summary>Nothing is appended to the ledger meanwhile.</summary>
    public sealed record LedgerDiskFull(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>A worker is killed in the moment it has applied a step: its report may be on the way.</summary>
    public sealed record CrashAtStep(long Step, int Worker, long BackAfterMicros) : Fault(0);

    /// <summary>The lead is killed a moment after it has begun to write its next checkpoint: before its commit, or before its report.</summary>
    public sealed record CrashWhileSaving(long AtMicros, long AfterMicros, long BackAfterMicros) : Fault(AtMicros);

    /// <param name="Micros">Negative: backwards.</param>
    public sealed record ClockJump(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>Feeds of joiners that begin in this time neither move nor break.</summary>
    public sealed record HangingFeeds(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>The next joiner that applies a gradient freezes in the middle of it.</summary>
    public sealed record FreezeFollower(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>The training thread of the next joiner hangs for ever: while it makes itself ready, or while it takes a donor's state over. One that is told to start afresh does, and another
    /// takes its place.</summary>
    public sealed record HangJoiner(long AtMicros, bool IsPreparing, long BackAfterMicros) : Fault(AtMicros);

    /// <summary>A third of what the coordinator and the workers say to each other comes twice.</summary>
    public sealed record Doubled(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>The coordinator that owns the run is killed when it has carried out so many records and orders more; another process takes its place.</summary>
    public sealed record OwnerCrash(long AtMicros, int Orders, long BackAfterMicros) : Fault(AtMicros);

    public sealed record OwnerFreeze(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>The store answers nobody.</summary>
    public sealed record StoreDown(long AtMicros, long Micros) : Fault(AtMicros);

    /// <summary>Everybody at once.</summary>
    public sealed record PowerCut(long AtMicros, long BackAfterMicros) : Fault(AtMicros);
}

/// <summary>Draws the faults of a seed.</summary>
public static class FaultPlan
{
    /// <summary>The third worker that hangs in the same pass fails the run, as it should.</summary>
    private const int MostHangs = 2;

    /// <param name="random">The seed's.</param>
    /// <param name="workers">Places.</param>
    /// <param name="windowMicros">Faults begin within this.</param>
    /// <param name="steps">Of the run.</param>
    public static List<Fault> Draw(Random random, int workers, long windowMicros, long steps)
    {
        var faults = new List<Fault>();
        for (var count = random.Next(0, 7); count > 0; count--)
        {
            var at = random.NextInt64(windowMicros);
            var worker = random.Next(workers);
            faults.Add(random.Next(100) switch
            {
                < 26 => new Fault.Crash(at, worker, Back(random)),
                < 30 => new Fault.CrashAtStep(random.Next(2) == 0 ? steps : 1 + random.NextInt64(steps), worker, Back(random)),
                < 42 => new Fault.Freeze(at, worker, random.Next(2) == 0 ? random.NextInt64(500_000) : random.NextInt64(9_000_000)),
                < 51 => new Fault.Leave(at, worker, Back(random)),
                < 62 => new Fault.Partition(at, worker, random.Next(-1, workers), random.Next(2) == 0, random.NextInt64(random.Next(2) == 0 ? 300_000 : 15_000_000)),
                < 69 => new Fault.Slow(at, worker, 1 + (random.NextDouble() * 10), random.NextInt64(3_000_000)),
                < 78 => new Fault.Scale(at, 1 + random.Next(workers + 1)),
                < 82 => new Fault.SlowNetwork(at, random.NextInt64(50_000), random.NextInt64(1_000_000)),
                < 86 => new Fault.ClockJump(at, random.NextInt64(-60_000_000, 60_000_000)),
                < 89 => new Fault.SlowDisk(at, 1 + (random.NextDouble() * 500), random.NextInt64(3_000_000)),
                < 94 => new Fault.CrashWhileSaving(at, random.NextInt64(6000), Back(random)),
                < 96 => new Fault.Doubled(at, random.NextInt64(1_000_000)),
                < 97 => new Fault.HangingFeeds(at, random.NextInt64(500_000)),
                < 98 when faults.Count(fault => fault is Fault.Hang) < MostHangs => new Fault.Hang(at, worker, HangMicros(random), Back(random)),
                // Early, for joiners are few, and short, for the run is to go on when it thaws.
                < 99 => new Fault.FreezeFollower(at / 2, random.NextInt64(400_000)),
                _ => new Fault.PowerCut(at, Back(random)),
            });
        }

        return [.. faults.OrderBy(fault => fault.AtMicros)];
    }

    /// <summary>What can go wrong with the workers, and owners that die, freeze or cannot reach the store besides.</summary>
    /// <param name="random">The seed's.</param>
    /// <param name="workers">Places.</param>
    /// <param name="windowMicros">Faults begin within this.</param>
    /// <param name="steps">Of the run.</param>
    public static List<Fault> DrawOwned(Random random, int workers, long windowMicros, long steps)
    {
        var faults = Draw(random, workers, windowMicros, steps);
        for (var count = random.Next(1, 5); count > 0; count--)
        {
            // Often soon after something else, in the middle of what that changes.
            var at = faults.Count > 0 && random.Next(2) == 0 ? faults[random.Next(faults.Count)].AtMicros + random.NextInt64(100_000) : random.NextInt64(windowMicros);
            faults.Add(random.Next(10) switch
            {
                < 6 => new Fault.OwnerCrash(at, random.Next(3) == 0 ? 0 : random.Next(12), random.NextInt64(4_000_000)),
                < 9 => new Fault.OwnerFreeze(at, random.NextInt64(8_000_000)),
                _ => new Fault.StoreDown(at, random.NextInt64(6_000_000)),
            });
        }

        return [.. faults.OrderBy(fault => fault.AtMicros)];
    }

    /// <summary>What a quarter of the seeds has besides. Drawn apart: a seed that once found a bug plays as it did then but for this.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="windowMicros">Faults begin within this.</param>
    /// <param name="mostMicros">They last no longer.</param>
    public static List<Fault> DrawLedger(int seed, long windowMicros, long mostMicros)
    {
        var random = new Random(~seed);
        return random.Next(4) == 0 ? [new Fault.LedgerDiskFull(random.NextInt64(windowMicros), random.NextInt64(mostMicros))] : [];
    }

    /// <summary>Only what needs no failure: workers are told to end, and another number is wanted, now and then at nearly the same moment.</summary>
    /// <param name="random">The seed's.</param>
    /// <param name="workers">Places.</param>
    /// <param name="windowMicros">Faults begin within this.</param>
    public static List<Fault> DrawPlanned(Random random, int workers, long windowMicros)
    {
        var faults = new List<Fault>();
        var at = 0L;
        for (var count = random.Next(1, 9); count > 0; count--)
        {
            at = random.Next(3) == 0 ? at + random.NextInt64(30_000) : random.NextInt64(windowMicros);
            faults.Add(random.Next(3) == 0 ? new Fault.Scale(at, 1 + random.Next(workers + 1)) : new Fault.Leave(at, random.Next(workers), Back(random)));
        }

        return [.. faults.OrderBy(fault => fault.AtMicros)];
    }

    /// <summary>Passes by itself before anybody is given up, or outlasts the patience with a worker's first step.</summary>
    private static long HangMicros(Random random) => random.Next(2) == 0 ? random.NextInt64(4_000_000) : 17_000_000 + random.NextInt64(4_000_000);

    private static long Back(Random random) => random.Next(4) == 0 ? random.NextInt64(3_000_000) : random.NextInt64(100_000);
}
