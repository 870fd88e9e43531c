using System.CommandLine;
using System.Text.Json;
using Orchestrator.Coordinator.Host;

namespace Orchestrator.Tools.Chaos;

/// <summary>`chaos`: trains a job while its processes are killed, frozen, told to leave and joined by others, and says whether every promise was kept.</summary>
internal static class ChaosCommand
{
    public static Command Create()
    {
        var job = new Argument<string>("JOB.yaml") { Description = "The job file.", DefaultValueFactory = _ => "examples/char-gpt.yaml" };
        var workers = new Option<int>("--workers") { Description = "Workers of the run under faults.", DefaultValueFactory = _ => 4 };
        var faults = new Option<string>("--faults") { Description = "kill, freeze, term, join, cut (a worker's network), disk (full, for the checkpoints) and coordinator (the owner of the runs is killed or frozen), separated by commas; they come in turn in a seeded order. cut and disk need root, coordinator needs --store.", DefaultValueFactory = _ => "kill,freeze,term,join" };
        var every = new Option<double>("--every") { Description = "Seconds between two faults, from 0.1 on. `run` is told to start each worker again as often as that can kill it.", DefaultValueFactory = _ => 8 };
        var seed = new Option<int>("--seed") { Description = "Draws the plan.", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds") { Description = "How many seeds, counted up from --seed, one after the other; the quiet twin runs once for all.", DefaultValueFactory = _ => 1 };
        var set = new Option<string[]>("--set") { Description = "Changes one value of the job, as in --set training.steps=200." };
        var folder = new Option<string?>("--out") { Description = "Folder for the runs; default: a new one under runs." };
        var format = new Option<string>("--format") { Description = "table or json.", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "json");
        var rate = new Option<bool>("--throughput") { Description = "Give the quiet twin as many workers instead of one, and say what share of its throughput was kept." };
        var coordinators = new Option<int>("--coordinators") { Description = "Coordinators that can own the runs, for the fault coordinator.", DefaultValueFactory = _ => 3 };
        var store = new Option<string?>("--store") { Description = "The PostgreSQL database that they share, as in Host=db;Database=runs;Username=orchestrator.", HelpName = "URL" };
        var command = new Command(
            "chaos",
            "Trains a job on a quiet worker and then again while its processes are hit, and compares. Exit code 1: a promise was broken. Example: ./orchestrator chaos examples/char-gpt.yaml --workers 4 --faults kill,freeze,term,join --seed 7")
        {
            job, workers, faults, every, seed, seeds, set, folder, format, rate, coordinators, store,
        };
        command.SetAction(result => RunAsync(
            new ChaosOrder(
                result.GetValue(job)!, result.GetValue(workers), ChaosOrder.ReadKinds(result.GetValue(faults)!), result.GetValue(every), result.GetValue(seed), result.GetValue(seeds),
                result.GetValue(set) ?? [], result.GetValue(folder) ?? Path.Combine("runs", $"chaos-{DateTime.UtcNow:yyyyMMdd-HHmmss}-{result.GetValue(seed)}"),
                result.GetValue(rate), result.GetValue(coordinators), result.GetValue(store)),
            isJson: result.GetValue(format) == "json"));
        return command;
    }

    private static async Task<int> RunAsync(ChaosOrder order, bool isJson)
    {
        order.Check();
        using var signals = Interruption.Hear();
        // One whose throughput is compared has as many workers; its weights are the same.
        var workers = order.IsMeasured ? order.Workers : 1;
        Say($"quiet twin on {workers} {(workers == 1 ? "worker" : "workers")}");
        var (quietCode, quiet) = await RunProgram.RunAsync("Orchestrator.Coordinator", ["run", .. order.Training("quiet", workers, null)]);
        if (quietCode != 0)
        {
            throw new ToolException($"The quiet twin ended with exit code {quietCode}, so there is nothing to compare with. What it said stands above; its folder is {order.Folder("quiet")}.");
        }

        var good = 0;
        for (var seed = order.Seed; seed < order.Seed + order.Seeds; seed++)
        {
            var verdict = await PlayAsync(order, seed, quiet);
            good += verdict.IsGood ? 1 : 0;
            Console.WriteLine(isJson ? verdict.ToJson() : ChaosReport.Of(seed, verdict));
        }

        if (order.Seeds > 1)
        {
            Say($"{good} of {order.Seeds} verdicts are good");
        }

        return good == order.Seeds ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static async Task<ChaosVerdict> PlayAsync(ChaosOrder order, int seed, JsonElement? quiet)
    {
        Say($"{order.Workers} workers, a fault every {order.Every.TotalSeconds:0.#} s, seed {seed}");
        var name = order.Seeds == 1 ? "chaos" : $"chaos-{seed}";
        await using var disk = order.Kinds.Contains(FaultKind.Disk) ? await SmallDisk.MountAsync(order.Folder($"{name}-disk")) : null;
        await using var cluster = Cluster(order, name, disk);
        var run = new ChaosRun(new ChaosPlan(seed, order.Kinds), order.Every, order.Folder(name), cluster, disk, order.Workers, order.Kinds.Length > 1);
        var chaos = await run.PlayAsync();
        var (_, ledger) = await RunProgram.RunAsync("Orchestrator.Worker", ["ledger", "verify", order.Folder(name), "--format", "json"]);
        var verdict = ChaosVerdict.Of(quiet, order.IsMeasured, chaos, ledger, run, order.Kinds);
        foreach (var reason in verdict.Reasons)
        {
            Say($"broken: {reason}");
        }

        return verdict;
    }

    private static ICluster Cluster(ChaosOrder order, string name, SmallDisk? disk)
    {
        var training = order.Training(name, order.Workers, disk);
        return order.Kinds.Contains(FaultKind.Cut) ? new HostCluster(order.Folder($"{name}-hosts"), order.Workers, training)
            : order.Kinds.Contains(FaultKind.Coordinator)
                ? new CoordinatorsCluster(order.Folder($"{name}-processes"), order.Coordinators, order.Store!, order.Workers + (order.Kinds.Contains(FaultKind.Join) ? 1 : 0), training)
                : new LocalCluster(order.Folder(name), ["run", .. training, "--restarts", $"{order.Restarts}"]);
    }

    private static void Say(string what) => Console.Error.WriteLine($"chaos: {what}");
}
