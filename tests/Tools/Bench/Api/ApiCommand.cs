using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Orchestrator.Security.Tokens;
using Orchestrator.Tools.Bench.Elastic;
using Orchestrator.Tools.Chaos;

namespace Orchestrator.Tools.Bench.Api;

/// <summary>
/// `bench api`: what clients of the JSON API cost a run: its step time while they poll and follow events, against that of a control in which this process burns as much
/// of the processor without calling, and against one in which it does nothing. The three come in turn, and the order is turned round from round to round.
/// </summary>
internal static class ApiCommand
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    /// <summary>Before each window: connections are made, caches and clocks come to rest.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var job = new JobArgument();
        var rounds = new Option<int>("--rounds") { Description = "Windows with calls, and as many controls and quiet ones.", DefaultValueFactory = _ => 5 };
        var seconds = new Option<double>("--seconds") { Description = "Of each window.", DefaultValueFactory = _ => 10 };
        var pollers = new Option<int>("--pollers") { Description = "Clients that ask for the run's status.", DefaultValueFactory = _ => 200 };
        var every = new Option<double>("--every") { Description = "Seconds from one question of a client to its next.", DefaultValueFactory = _ => 1 };
        var streams = new Option<int>("--streams") { Description = "Clients that follow the run's events.", DefaultValueFactory = _ => 50 };
        var workers = new Option<int>("--workers") { Description = "Of the run.", DefaultValueFactory = _ => 1 };
        var folder = new Option<string>("--out") { Description = "Folder for the run.", DefaultValueFactory = _ => Path.Combine("runs", $"api-{DateTime.UtcNow:yyyyMMdd-HHmmss}") };
        var format = new Option<string>("--format") { Description = "table or json.", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "json");
        var command = new Command(
            "api",
            "Times a run's steps while clients call the JSON API, against the same processor time burnt without calls.\n\n"
            + "Example: ./orchestrator bench api examples/char-gpt.yaml --rounds 5") { rounds, seconds, pollers, every, streams, workers, folder, format };
        job.AddTo(command);
        command.SetAction(result => RunAsync(
            job.Words(result),
            new Load(result.GetValue(pollers), result.GetValue(streams), TimeSpan.FromSeconds(result.GetValue(every)), TimeSpan.FromSeconds(result.GetValue(seconds)), result.GetValue(rounds)),
            result.GetValue(workers), Path.GetFullPath(result.GetValue(folder)!), result.GetValue(format)!));
        return command;
    }

    private static async Task<int> RunAsync(string[] job, Load load, int workers, string folder, string format)
    {
        using var signals = Interruption.Hear();
        await using var cluster = new StandingCluster(folder);
        await cluster.StartAsync(workers);
        var (code, submitted) = await cluster.AskAsync([
            "submit", .. job, "--workers", $"{workers}", "--set", $"workers.min={workers}", "--set", "workers.threads=1", "--set", "training.steps=100000000", "--set", "evaluation.everySteps=0",
            "--set", "checkpoint.everySteps=0", "--detach", "--format", "json", "--out", cluster.RunDir]);
        var runId = code == 0 && submitted is { } reply ? reply.GetProperty("runId").GetString()! : throw new ToolException($"The job could not be submitted (exit code {code}).");
        var (steps, events) = (new RunSteps(Path.Combine(cluster.RunDir, "steps.jsonl")), new RunEvents(Path.Combine(cluster.RunDir, "events.jsonl")));
        for (; steps.Read().Count <= 10; events.Read())
        {
            if (events.IsEnded)
            {
                throw new ToolException($"Run {runId} ended before anything was timed; {cluster.RunDir} says why.");
            }

            await Task.Delay(Look, Interruption.Token);
        }

        var token = TokenPlaces.Find(TokenUse.Command, isTrusted: true) ?? throw new ToolException($"No token was found; set {TokenPlaces.FileVariable}.");
        using var clients = new ApiClients(cluster.Http, token, runId);

        // Once unmeasured: the code of both sides is compiled while it runs.
        var called = await CallAsync(clients, cluster, steps, load with { Window = Rest });
        var (calls, controls, quiet) = (new List<ApiWindow>(), new List<ApiWindow>(), new List<ApiWindow>());
        for (var round = 1; round <= load.Rounds; round++)
        {
            Func<Task>[] windows =
            [
                async () => calls.Add(called = await CallAsync(clients, cluster, steps, load)),
                async () => controls.Add(await BurnAsync(called.ClientShare, cluster, steps, load.Window)),
                async () => quiet.Add(await BurnAsync(0, cluster, steps, load.Window)),
            ];
            foreach (var window in round % 2 == 0 ? windows.Reverse() : windows)
            {
                await window();
            }

            Console.Error.WriteLine($"round {round}: calls {calls[^1]}; control {controls[^1]}; quiet {quiet[^1]}");
        }

        await cluster.AskAsync("stop", runId);
        ApiReport.Write(load, calls, controls, quiet, format);
        return 0;
    }

    private static async Task<ApiWindow> CallAsync(ApiClients clients, StandingCluster cluster, RunSteps steps, Load load)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(Interruption.Token);
        var calling = clients.CallAsync(load.Pollers, load.Streams, load.Every, ending.Token);
        await WaitAsync(Rest, calling);
        var (since, news) = (Stopwatch.GetTimestamp(), clients.News);
        var window = await MeasureAsync(cluster, steps, () => WaitAsync(load.Window, calling));
        window = window with { Answers = clients.Answers(since), News = clients.News - news };
        await ending.CancelAsync();
        await calling;
        return window;
    }

    private static async Task<ApiWindow> BurnAsync(double share, StandingCluster cluster, RunSteps steps, TimeSpan time)
    {
        await Task.Delay(Rest, Interruption.Token);
        return await MeasureAsync(cluster, steps, () => share > 0 ? ProcessorBurn.RunAsync(share, time) : Task.Delay(time, Interruption.Token));
    }

    private static async Task<ApiWindow> MeasureAsync(StandingCluster cluster, RunSteps steps, Func<Task> work)
    {
        steps.Read();
        var (from, own, coordinator) = (DateTimeOffset.UtcNow, Environment.CpuUsage.TotalTime, Processor(cluster.Coordinator));
        await work();
        var (to, ownAfter, coordinatorAfter) = (DateTimeOffset.UtcNow, Environment.CpuUsage.TotalTime, Processor(cluster.Coordinator));
        return new ApiWindow(steps.SecondsWithin(from, to).Average(), (ownAfter - own) / (to - from), (coordinatorAfter - coordinator) / (to - from));
    }

    private static TimeSpan Processor(Process process)
    {
        process.Refresh();
        return process.TotalProcessorTime;
    }

    /// <summary>For this long, or until the clients end, which is a failure.</summary>
    private static async Task WaitAsync(TimeSpan time, Task calling)
    {
        var waiting = Task.Delay(time, Interruption.Token);
        await await Task.WhenAny(waiting, calling);
        await waiting;
    }
}

/// <summary>What is measured.</summary>
/// <param name="Pollers">Clients that ask for the run's status.</param>
/// <param name="Streams">Clients that follow its events.</param>
/// <param name="Every">From one question of a poller to its next.</param>
/// <param name="Window">How long steps are timed at once.</param>
/// <param name="Rounds">Windows with calls, and as many without.</param>
internal sealed record Load(int Pollers, int Streams, TimeSpan Every, TimeSpan Window, int Rounds);

/// <summary>What was seen in one window.</summary>
/// <param name="StepSeconds">Mean.</param>
/// <param name="ClientShare">Of a core, used by this process.</param>
/// <param name="CoordinatorShare">Of a core, used by the coordinator.</param>
internal sealed record ApiWindow(double StepSeconds, double ClientShare, double CoordinatorShare)
{
    /// <summary>Seconds of each status.</summary>
    public double[] Answers { get; init; } = [];

    /// <summary>Events that the streams had.</summary>
    public long News { get; init; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{StepSeconds * 1000:0.00} ms a step, this process {ClientShare:0.00} of a core, the coordinator {CoordinatorShare:0.00}")
        + (Answers.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {Answers.Length} statuses (p99 {Statistics.Percentile(Answers, 0.99) * 1000:0.0} ms), {News} events"));
}
