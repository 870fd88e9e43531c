using System.CommandLine;
using System.Globalization;
using Orchestrator.Tools.Chaos;

namespace Orchestrator.Tools.Bench.Elastic;

/// <summary>
/// `bench join`: what a joining worker costs the members while it loads and catches up: their step time meanwhile, against that of a control in which this
/// process burns as much of the processor beside them. Join and control come in turn.
/// </summary>
internal static class JoinCommand
{
    private const int Members = 2;

    /// <summary>Steps of the joiner's first generation that still count for the longest one: whoever waits for a joiner does so there.</summary>
    private const int FirstSteps = 2;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    /// <summary>Between a leave and the next window: caches and clocks come to rest.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var job = new JobArgument();
        var rounds = new Option<int>("--rounds") { Description = "Joins, and as many controls.", DefaultValueFactory = _ => 5 };
        var folder = new Option<string>("--out") { Description = "Folder for the run.", DefaultValueFactory = _ => Path.Combine("runs", $"join-{DateTime.UtcNow:yyyyMMdd-HHmmss}") };
        var command = new Command(
            "join",
            "Times the steps of two members while a third worker, whose process is up, joins; against the same processor time burnt beside them.\n"
            + "A step's time is what its slowest member took for it. The longest one may be among the first two with the new member.\n\n"
            + "Example: ./orchestrator bench join examples/wide-mlp.yaml --rounds 5") { rounds, folder };
        job.AddTo(command);
        command.SetAction(result => RunAsync(job.Words(result), result.GetValue(rounds), Path.GetFullPath(result.GetValue(folder)!)));
        return command;
    }

    private static async Task<int> RunAsync(string[] job, int rounds, string folder)
    {
        using var signals = Interruption.Hear();
        await using var cluster = new StandingCluster(folder);
        await cluster.StartAsync(Members);
        var run = cluster.AskAsync([
            "submit", .. job, "--workers", $"{Members}", "--set", $"workers.min={Members}", "--set", "workers.threads=1", "--set", "training.steps=1000000", "--set", "evaluation.everySteps=0",
            "--set", "checkpoint.everySteps=0", "--format", "json", "--out", cluster.RunDir]);
        var steps = new RunSteps(Path.Combine(cluster.RunDir, "steps.jsonl"));
        var events = new RunEvents(Path.Combine(cluster.RunDir, "events.jsonl"));
        await UntilAsync(() => steps.Read().Count > 10, run);
        var runId = FirstOf(events).GetProperty("runId").GetString()!;
        await cluster.ScaleAsync(runId, Members);
        var joiner = cluster.StartWorker();
        await Task.Delay(Rest);

        var (joins, controls, longest) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 1; round <= rounds; round++)
        {
            var processor = joiner.TotalProcessorTime;
            await cluster.ScaleAsync(runId, Members + 1);
            await UntilAsync(() => Workers(events) > Members, run);

            // From the coordinator's order on.
            var from = RunEvents.Time(events.All.Last(each => RunEvents.Name(each) == "worker.joining"));
            var to = RunEvents.Time(events.All.Last(each => RunEvents.Name(each) == "generation.formed"));
            joiner.Refresh();
            var (burnt, seconds) = ((joiner.TotalProcessorTime - processor).TotalSeconds, (to - from).TotalSeconds);
            var joined = steps.MemberSecondsWithin(from, to);
            await UntilAsync(() => EndOf(steps, to) is not null, run);
            var slowest = steps.MemberSecondsWithin(from, EndOf(steps, to)!.Value).Max();
            await cluster.ScaleAsync(runId, Members);
            await UntilAsync(() => Workers(events) == Members, run);
            await Task.Delay(Rest);

            from = DateTimeOffset.UtcNow;
            await ProcessorBurn.RunAsync(burnt / seconds, TimeSpan.FromSeconds(seconds));
            var control = steps.MemberSecondsWithin(from, DateTimeOffset.UtcNow);
            await Task.Delay(Rest);
            joins.Add(joined.Average());
            controls.Add(control.Average());
            longest.Add(slowest / Statistics.Median(control));
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"join {round}: {seconds:0.0} s with {burnt:0.0} s of processor; {joined.Count} steps of {joined.Average() * 1000:0} ms, the longest {slowest * 1000:0} ms; control {control.Count} steps of {control.Average() * 1000:0} ms, the longest {control.Max() * 1000:0} ms"));
        }

        await cluster.AskAsync("stop", runId);
        await run;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            step while a worker joins   {Statistics.Median(joins) * 1000:0} ms
            control                     {Statistics.Median(controls) * 1000:0} ms
            join against control        {Statistics.Median(joins.Zip(controls, (join, control) => join / control)):0.00} times
            longest step of a join      {longest.Max():0.00} times the control's median step
            """));
        return 0;
    }

    private static async Task UntilAsync(Func<bool> isTrue, Task run)
    {
        while (!isTrue())
        {
            if (run.IsCompleted)
            {
                throw new ToolException("The run ended before all joins were timed.");
            }

            await Task.Delay(Look);
        }
    }

    /// <summary>When the joiner's first steps as a member were over; null: they are not yet.</summary>
    private static DateTimeOffset? EndOf(RunSteps steps, DateTimeOffset formed) => steps.Read().Where(step => step.Time > formed).Skip(FirstSteps - 1).Select(step => (DateTimeOffset?)step.Time).FirstOrDefault();

    private static System.Text.Json.JsonElement FirstOf(RunEvents events)
    {
        events.Read();
        return events.All[0];
    }

    /// <summary>Members of the newest generation.</summary>
    /// <exception cref="ToolException">The joiner was refused, and nobody else will come.</exception>
    private static int Workers(RunEvents events)
    {
        events.Read();
        if (events.All.Where(each => RunEvents.Name(each) == "worker.refused").Select(each => each.GetProperty("reason").GetString()).FirstOrDefault() is { } reason)
        {
            throw new ToolException($"The joiner was refused: {reason.TrimEnd('.')}. Take a job with longer steps, as by --set training.globalBatch=64.");
        }

        return events.All.Last(each => RunEvents.Name(each) == "generation.formed").GetProperty("workers").GetArrayLength();
    }
}
