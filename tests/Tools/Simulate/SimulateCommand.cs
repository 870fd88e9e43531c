using System.CommandLine;
using System.Globalization;
using Orchestrator.Coordinator.Core.Cluster;
using Orchestrator.Coordinator.Host;
using Orchestrator.Simulation;
using Orchestrator.Simulation.Pool;
using Orchestrator.Simulation.Workers;

namespace Orchestrator.Tools.Simulate;

/// <summary>`simulate`: plays whole clusters on virtual time, one for each seed, and prints the trace of a seed that broke a promise.</summary>
internal static class SimulateCommand
{
    public static Command Create()
    {
        var seeds = new Option<int>("--seeds") { Description = "How many seeds.", DefaultValueFactory = _ => 1000 };
        var first = new Option<int>("--first") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
        var trace = new Option<bool>("--trace") { Description = "Print the trace of the first seed, whatever comes of it." };
        var planned = new Option<bool>("--planned") { Description = "Only draw faults that need no failure: workers are told to end, and another number of workers is wanted. No generation may be given up." };
        var owners = new Option<bool>("--owners") { Description = "Several coordinators share a store; owners of the run die, freeze and thaw besides all else, and answers of the store are lost, late and doubled." };
        var pool = new Option<bool>("--pool") { Description = "Several runs share one pool of workers, some of them with labels; with --owners, owners of all of them die besides." };
        var sizes = new Option<string>("--control-plane")
        {
            Description = "Numbers of workers, separated by commas. Instead of seeds: what the coordinator's core and the workers' messages cost when a run is formed, steps, loses a worker, takes one in and ends. "
                + "The core is the real one; members answer by the protocol's rules and exchange no gradients. Example: --control-plane 10,100,1000,10000",
        };
        var command = new Command(
            "simulate",
            "Runs the real coordinator and worker cores as whole clusters under seeded faults and checks every promise after every event. Exit code 1: one was broken. Example: ./orchestrator simulate --seeds 10000")
        {
            seeds, first, trace, planned, owners, pool, sizes,
        };
        command.SetAction(result => result.GetValue(sizes) is { } list ? Measure(list)
            : result.GetValue(trace) ? Trace(result.GetValue(first), new Kind(result.GetValue(planned), result.GetValue(owners), result.GetValue(pool)))
            : Play(result.GetValue(first), result.GetValue(seeds), new Kind(result.GetValue(planned), result.GetValue(owners), result.GetValue(pool))));
        return command;
    }

    private static int Measure(string list)
    {
        var sizes = list.Split(',').Select(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var workers) ? workers : 0).ToList();
        if (sizes.Any(workers => workers is < 2 or > ClusterState.MaxWorkers - 1))
        {
            throw new ToolException($"--control-plane {list}: each number must be from 2 to {ClusterState.MaxWorkers - 1}. Example: --control-plane 10,100,1000,10000", ExitCodes.Usage);
        }

        ControlPlaneTable.Print(sizes);
        return ExitCodes.Done;
    }

    private static int Play(int first, int count, Kind kind)
    {
        void Say(int done) => Console.Error.WriteLine($"{done} of {count} seeds");
        var report = kind.IsPool ? SeedRange.PlayPools(first, count, Say, kind.IsOwned) : SeedRange.Play(first, count, isPlanned: kind.IsPlanned, isOwned: kind.IsOwned, progress: Say);
        var alone = kind is { IsOwned: true, IsPool: true } ? $"; {report.Terms} owners" : kind.IsOwned ? $"; {report.Terms} owners, {report.StepsAlone} steps while nobody owned the run" : "";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Seeds} seeds, {report.Events} events, {report.Seeds / report.Time.TotalMinutes:0} seeds a minute; faults: {string.Join(", ", report.Faults.Select(fault => $"{fault.Value} {fault.Key}"))}; {report.Failures.Count} broke a promise{alone}"));
        foreach (var (seed, violation) in report.Failures)
        {
            Console.Error.WriteLine($"Seed {seed}: {violation}");
        }

        return report.Failures.Count == 0 ? ExitCodes.Done : Math.Max(ExitCodes.Failed, Trace(report.Failures[0].Seed, kind));
    }

    private static int Trace(int seed, Kind kind)
    {
        if (kind.IsPool)
        {
            var pool = new PoolCluster(seed, isTraced: true, isOwned: kind.IsOwned);
            return Print(seed, pool.Settings, pool.Play(), pool.Lines);
        }

        var cluster = new SimCluster(seed, isTraced: true, isPlanned: kind.IsPlanned, isOwned: kind.IsOwned);
        return Print(seed, cluster.Settings, cluster.Play(), cluster.Lines);
    }

    private static int Print(int seed, SimSettings settings, string? violation, IReadOnlyList<string> lines)
    {
        foreach (var line in lines)
        {
            Console.WriteLine(line);
        }

        Console.Error.WriteLine($"Seed {seed} ({settings}): {violation ?? "every promise was kept"}");
        return violation is null ? ExitCodes.Done : ExitCodes.Failed;
    }

    private readonly record struct Kind(bool IsPlanned, bool IsOwned, bool IsPool);
}
