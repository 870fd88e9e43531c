using System.Collections.Concurrent;
using System.Diagnostics;
using Orchestrator.Simulation.Faults;
using Orchestrator.Simulation.Pool;

namespace Orchestrator.Simulation;

/// <summary>Plays many seeds on all cores.</summary>
public static class SeedRange
{
    /// <param name="first">The first seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="bug">What is made wrong on purpose.</param>
    /// <param name="progress">Told now and then how many seeds are done.</param>
    /// <param name="stopAtFirst">End when a seed has failed.</param>
    /// <param name="isPlanned">Only faults that need no failure are drawn.</param>
    /// <param name="isOwned">Several coordinators on one store, and owners die.</param>
    /// <param name="mostDirect">As <see cref="SimCluster"/> takes it.</param>
    public static SeedReport Play(int first, int count, Bug? bug = null, Action<int>? progress = null, bool stopAtFirst = false, bool isPlanned = false, int? mostDirect = null, bool isOwned = false) =>
        Play(first, count, progress, stopAtFirst, seed =>
        {
            var cluster = new SimCluster(seed, bug, isPlanned: isPlanned, mostDirect: mostDirect, isOwned: isOwned);
            return new SeedOutcome(cluster.Play(), cluster.Clock.Count, cluster.Faults.Select(fault => fault.GetType().Name), cluster.StepsAlone, cluster.Terms);
        });

    /// <summary>Several runs on one pool of workers.</summary>
    /// <param name="first">The first seed.</param>
    /// <param name="count">How many.</param>
    /// <param name="progress">Told now and then how many seeds are done.</param>
    /// <param name="isOwned">Several coordinators on one store, and owners die.</param>
    public static SeedReport PlayPools(int first, int count, Action<int>? progress = null, bool isOwned = false) => Play(first, count, progress, stopAtFirst: false, seed =>
    {
        var cluster = new PoolCluster(seed, isOwned: isOwned);
        return new SeedOutcome(cluster.Play(), cluster.Clock.Count, cluster.Plan.Faults.Select(fault => fault.Kind.ToString()), 0, cluster.Terms);
    });

    private static SeedReport Play(int first, int count, Action<int>? progress, bool stopAtFirst, Func<int, SeedOutcome> play)
    {
        var failures = new ConcurrentDictionary<int, string>();
        var landed = new ConcurrentDictionary<string, int>();
        var (done, events, alone, terms, watch) = (0, 0L, 0L, 0L, Stopwatch.StartNew());
        Parallel.For(first, first + count, (seed, loop) =>
        {
            var outcome = play(seed);
            if (outcome.Violation is { } violation)
            {
                failures[seed] = violation;
                if (stopAtFirst)
                {
                    loop.Stop();
                }
            }

            foreach (var fault in outcome.Faults)
            {
                landed.AddOrUpdate(fault, 1, (_, known) => known + 1);
            }

            Interlocked.Add(ref events, outcome.Events);
            Interlocked.Add(ref alone, outcome.StepsAlone);
            Interlocked.Add(ref terms, outcome.Terms);
            if (Interlocked.Increment(ref done) % 1000 == 0)
            {
                progress?.Invoke(done);
            }
        });
        return new SeedReport(done, events, watch.Elapsed, failures.OrderBy(entry => entry.Key).Select(entry => (entry.Key, entry.Value)).ToList(), landed.OrderBy(entry => entry.Key).ToDictionary()) { StepsAlone = alone, Terms = terms };
    }
}

/// <summary>What one seed gave; Violation null: every promise was kept.</summary>
internal sealed record SeedOutcome(string? Violation, long Events, IEnumerable<string> Faults, long StepsAlone, long Terms);

/// <summary>What many seeds gave.</summary>
/// <param name="Seeds">Played.</param>
/// <param name="Events">Of all of them.</param>
/// <param name="Time">It took.</param>
/// <param name="Failures">Seeds in which a promise was broken.</param>
/// <param name="Faults">Planned, by kind.</param>
public sealed record SeedReport(int Seeds, long Events, TimeSpan Time, IReadOnlyList<(int Seed, string Violation)> Failures, IReadOnlyDictionary<string, int> Faults)
{
    /// <summary>Steps that workers applied while no coordinator owned their run.</summary>
    public long StepsAlone { get; init; }

    /// <summary>Owners of all runs.</summary>
    public long Terms { get; init; }
}
