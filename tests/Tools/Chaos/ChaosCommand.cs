using System.CommandLine;
using System.Globalization;
using Orchestrator.Coordinator.Core.Supervision;
using Orchestrator.Coordinator.Host;
using static System.FormattableString;

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
        var rate = new Option<bool>("--throughput") { Description = "Give the quiet twin as many workers instead of one, and say what share of its throughput was kept." };
        var coordinators = new Option<int>("--coordinators") { Description = "Coordinators that can own the runs, for the fault coordinator.", DefaultValueFactory = _ => 3 };
        var store = new Option<string?>("--store") { Description = "The PostgreSQL database that they share, as in Host=db;Database=runs;Username=orchestrator.", HelpName = "URL" };
        var command = new Command(
            "chaos",
            "Trains a job on a quiet worker and then again while its processes are hit, and compares. Exit code 1: a promise was broken. Example: ./orchestrator chaos examples/char-gpt.yaml --workers 4 --faults kill,freeze,term,join --seed 7")
        {
            job, workers, faults, every, seed, seeds, set, folder, format, rate, coordinators, store,
        };
        command.SetAction(result => RunAsync(new Order(
            result.GetValue(job)!, result.GetValue(workers), Kinds(result.GetValue(faults)!), Seconds(result.GetValue(every)), result.GetValue(seed), result.GetValue(seeds),
            result.GetValue(set) ?? [], result.GetValue(folder) ?? Path.Combine("runs", $"chaos-{DateTime.UtcNow:yyyyMMdd-HHmmss}-{result.GetValue(seed)}"),
            result.GetValue(format) == "json", result.GetValue(rate), result.GetValue(coordinators), result.GetValue(store))));
        return command;
    }

    private static async Task<int> RunAsync(Order order)
    {
        if (order.Workers < 2)
        {
            throw new ToolException($"--workers is {order.Workers}; somebody has to survive. Give 2 or more.", ExitCodes.Usage);
        }

        if (order.Kinds.Contains(FaultKind.Coordinator) && WhyNoOwners(order) is { } problem)
        {
            throw new ToolException(problem, ExitCodes.Usage);
        }

        using var signals = Interruption.Hear();
        // One whose throughput is compared has as many workers; its weights are the same.
        var workers = order.IsMeasured ? order.Workers : 1;
        Say($"quiet twin on {workers} {(workers == 1 ? "worker" : "workers")}");
        var (quietCode, quiet) = await RunProgram.RunAsync("Orchestrator.Coordinator", ["run", .. order.Training("quiet", workers, null)]);
        if (quietCode != 0)
        {
            throw new ToolException($"The quiet twin ended with exit code {quietCode}; nothing can be compared. Its folder is {order.Folder("quiet")}.");
        }

        var good = 0;
        for (var seed = order.Seed; seed < order.Seed + order.Seeds; seed++)
        {
            var verdict = await PlayAsync(order, seed, quiet);
            good += verdict.IsGood ? 1 : 0;
            Console.WriteLine(order.IsJson ? verdict.ToJson() : Describe(seed, verdict));
        }

        if (order.Seeds > 1)
        {
            Say($"{good} of {order.Seeds} verdicts are good");
        }

        return good == order.Seeds ? ExitCodes.Done : ExitCodes.Failed;
    }

    private static async Task<ChaosVerdict> PlayAsync(Order order, int seed, System.Text.Json.JsonElement? quiet)
    {
        Say($"{order.Workers} workers, a fault every {order.Every.TotalSeconds:0.#} s, seed {seed}");
        var name = order.Seeds == 1 ? "chaos" : $"chaos-{seed}";
        await using var disk = order.Kinds.Contains(FaultKind.Disk) ? await SmallDisk.MountAsync(order.Folder($"{name}-disk")) : null;
        await using var cluster = Cluster(order, name, disk);
        var run = new ChaosRun(new ChaosPlan(seed, order.Kinds), order.Every, order.Folder(name), cluster, disk, order.Workers, order.Kinds.Length > 1);
        var (_, chaos) = await run.PlayAsync();
        var (_, ledger) = await RunProgram.RunAsync("Orchestrator.Worker", ["ledger", "verify", order.Folder(name), "--format", "json"]);
        var verdict = ChaosVerdict.Of(quiet, order.IsMeasured, chaos, ledger, run, order.Kinds);
        foreach (var reason in verdict.Reasons)
        {
            Say($"broken: {reason}");
        }

        return verdict;
    }

    private static ICluster Cluster(Order order, string name, SmallDisk? disk)
    {
        var training = order.Training(name, order.Workers, disk);
        return order.Kinds.Contains(FaultKind.Cut) ? new HostCluster(order.Folder($"{name}-hosts"), order.Workers, training)
            : order.Kinds.Contains(FaultKind.Coordinator)
                ? new CoordinatorsCluster(order.Folder($"{name}-processes"), order.Coordinators, order.Store!, order.Workers + (order.Kinds.Contains(FaultKind.Join) ? 1 : 0), training)
                : new LocalCluster(order.Folder(name), ["run", .. training, "--restarts", $"{order.Restarts}"]);
    }

    /// <returns>Why no owner can be hit; null: one can.</returns>
    private static string? WhyNoOwners(Order order) =>
        order.Store is null ? "--faults coordinator needs a PostgreSQL database that several coordinators share: --store 'Host=HOST;Database=NAME;Username=USER'."
        : order.Coordinators < 2 ? $"--coordinators is {order.Coordinators}; somebody has to take over. Give 2 or more."
        : order.Kinds.Contains(FaultKind.Cut) ? "--faults names cut and coordinator; the network of one machine's coordinators is not cut. Give one of them."
        : null;

    private static string Describe(int seed, ChaosVerdict verdict) => string.Join('\n',
        $"seed                {seed}",
        $"verdict             {(verdict.IsGood ? "good" : "broken")}",
        $"faults              {string.Join(", ", verdict.Faults.Select(fault => $"{fault.Value} {fault.Key.ToString().ToLowerInvariant()}"))}",
        $"weights             {(verdict.WeightsEqual ? "equal" : "NOT equal")} to the quiet run's: {verdict.ChaosSha256}",
        $"samples             {verdict.SamplesVerified} verified, {(verdict.SamplesExactlyOnce ? "each once an epoch" : "NOT each once")}",
        $"pause after a kill  {Spread(verdict.Pauses)}",
        $"kill to next step   {Spread(verdict.NextSteps)}",
        $"throughput kept     {(verdict.ThroughputKept is { } kept ? kept.ToString("P0", CultureInfo.InvariantCulture) : "not measured (--throughput)")}",
        $"seen after a freeze {Spread(verdict.FreezesSeen)}",
        Invariant($"starts              {verdict.Starts} processes, {verdict.StartSeconds:0.0} s of processor until they were members: {verdict.StartShare:P0} of what this machine had"),
        $"computed again      {verdict.LostLogicalRankSteps} logical ranks; {verdict.LostCommits} committed steps lost; {verdict.SurvivorRestarts} survivors restarted")
        + (verdict.TakeOvers is { } takeOvers ? $"\n{Describe(takeOvers)}" : "");

    private static string Describe(TakeOvers each) => string.Join('\n',
        $"nobody owned        {Spread(each.NobodyOwned)}",
        $"hit to members back {Spread(each.Adopted)}",
        Invariant($"steps               median {each.MedianMillis:0.00} ms; the longest while owners died and others took over: {Millis(each.TakeOverMillis)} ms"),
        Invariant($"                    the longest while those that were hit started or thawed: {Millis(each.StartMillis)} ms; of the rest: {each.QuietMillis:0.0} ms"));

    private static string Millis(IEnumerable<double> each) => string.Join(", ", each.Select(millis => millis.ToString("0.0", CultureInfo.InvariantCulture)));

    private static string Spread(IReadOnlyList<double> millis) =>
        millis.Count == 0 ? "none seen" : $"median {millis[(millis.Count - 1) / 2]:0} ms, longest {millis[^1]:0} ms, of {millis.Count}";

    /// <exception cref="ToolException">A kind that there is not.</exception>
    private static FaultKind[] Kinds(string text) => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(name =>
        Enum.TryParse<FaultKind>(name, ignoreCase: true, out var kind) && kind != FaultKind.Unspecified ? kind
            : throw new ToolException($"--faults names {name}; there are kill, freeze, term, join, cut, disk and coordinator.", ExitCodes.Usage)).Distinct()];

    /// <exception cref="ToolException">It is no time between two faults: every look at the run takes a few milliseconds of a processor.</exception>
    private static TimeSpan Seconds(double every) => every is >= 0.1 and <= 86_400 ? TimeSpan.FromSeconds(every)
        : throw new ToolException(Invariant($"--every {every}: seconds from 0.1 to 86400 are needed."), ExitCodes.Usage);

    private static void Say(string what) => Console.Error.WriteLine($"chaos: {what}");

    private sealed record Order(
        string Job, int Workers, FaultKind[] Kinds, TimeSpan Every, int Seed, int Seeds, string[] Set, string Out, bool IsJson, bool IsMeasured, int Coordinators, string? Store)
    {
        /// <summary>Restarts of one worker process that `run` has to allow, for it dies on purpose: every fault may hit the same one.</summary>
        public int Restarts => ChaosPlan.MostHits(Every, new RestartLimits().Window);

        public string Folder(string name) => Path.GetFullPath(Path.Combine(Out, name));

        /// <summary>Arguments of `run` or `submit`.</summary>
        /// <param name="disk">For the checkpoints; null: they lie in the run's folder.</param>
        public IEnumerable<string> Training(string name, int workers, SmallDisk? disk) =>
        [
            Job, "--workers", $"{workers}", "--out", Folder(name), "--format", "json", .. Set.SelectMany(each => new[] { "--set", each }),
            .. disk is null ? Array.Empty<string>() : ["--set", $"checkpoint.dir={disk.Folder}"],
        ];
    }
}
