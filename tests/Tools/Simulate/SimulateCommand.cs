using System.CommandLine;
using System.Globalization;
using Orchestrator.Coordinator.Host;
using Orchestrator.Simulation;

namespace Orchestrator.Tools.Simulate;

/// <summary>`simulate`: plays whole clusters on virtual time, one for each seed, and prints the trace of a seed that broke a promise.</summary>
internal static class SimulateCommand
{
    public static Command Create()
    {
        var seeds = new Option<int>("--seeds") { Description = "How many seeds.", DefaultValueFactory = _ => 1000 };
        var first = new Option<int>("--first") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
        var trace = new Option<bool>("--trace") { Description = "Print the trace of the first seed, whatever comes of it." };
        var command = new Command(
            "simulate",
            "Runs the real coordinator and worker cores as whole clusters under seeded faults and checks every promise after every event. Exit code 1: one was broken. Example: ./orchestrator simulate --seeds 10000")
        {
            seeds, first, trace,
        };
        command.SetAction(result => result.GetValue(trace) ? Trace(result.GetValue(first)) : Play(result.GetValue(first), result.GetValue(seeds)));
        return command;
    }

    private static int Play(int first, int count)
    {
        var report = SeedRange.Play(first, count, progress: done => Console.Error.WriteLine($"{done} of {count} seeds"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Seeds} seeds, {report.Events} events, {report.Seeds / report.Time.TotalMinutes:0} seeds a minute; faults: {string.Join(", ", report.Faults.Select(fault => $"{fault.Value} {fault.Key}"))}; {report.Failures.Count} broke a promise"));
        foreach (var (seed, violation) in report.Failures)
        {
            Console.Error.WriteLine($"Seed {seed}: {violation}");
        }

        return report.Failures.Count == 0 ? ExitCodes.Done : Math.Max(ExitCodes.Failed, Trace(report.Failures[0].Seed));
    }

    private static int Trace(int seed)
    {
        var cluster = new SimCluster(seed, isTraced: true);
        var violation = cluster.Play();
        foreach (var line in cluster.Lines)
        {
            Console.WriteLine(line);
        }

        Console.Error.WriteLine($"Seed {seed} ({cluster.Settings}): {violation ?? "every promise was kept"}");
        return violation is null ? ExitCodes.Done : ExitCodes.Failed;
    }
}
