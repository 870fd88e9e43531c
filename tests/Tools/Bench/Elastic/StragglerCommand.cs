using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Tools.Chaos;

namespace Orchestrator.Tools.Bench.Elastic;

/// <summary>
/// `bench straggler`: two workers, each on a core of its own, and spinners on one of the cores, so that its worker gets a third of it. Throughput while the shares are
/// still equal, against that after the logical ranks have moved.
/// </summary>
internal static class StragglerCommand
{
    private const int Workers = 2;

    /// <summary>With the worker itself three processes want the core.</summary>
    private const int Spinners = 2;

    /// <summary>Of a generation: processes warm up.</summary>
    private const int UntimedSteps = 2;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    public static Command Create()
    {
        var job = new JobArgument();
        var folder = new Option<string>("--out") { Description = "Folder for the runs.", DefaultValueFactory = _ => Path.Combine("runs", $"straggler-{DateTime.UtcNow:yyyyMMdd-HHmmss}") };
        var command = new Command(
            "straggler",
            "Slows one of two workers to a third and says what moving logical ranks gains over equal shares. Needs two cores and taskset.\n\n"
            + "Example: ./orchestrator bench straggler examples/char-gpt.yaml --set training.steps=150") { folder };
        job.AddTo(command);
        command.SetAction(result => RunAsync(job.Words(result), Path.GetFullPath(result.GetValue(folder)!)));
        return command;
    }

    private static async Task<int> RunAsync(string[] job, string folder)
    {
        var quiet = await TrainAsync(job, Path.Combine(folder, "quiet"));
        var events = new RunEvents(Path.Combine(folder, "slowed", "events.jsonl"));
        var steps = new RunSteps(Path.Combine(folder, "slowed", "steps.jsonl"));
        var run = TrainAsync(job, Path.Combine(folder, "slowed"));
        for (events.Read(); events.Members().Count < Workers && !run.IsCompleted; events.Read())
        {
            await Task.Delay(Look);
        }

        var core = 0;
        foreach (var (_, pid) in events.Members().OrderBy(member => member.Key, StringComparer.Ordinal))
        {
            await SystemTool.RunAsync("taskset", "-a", "-c", "-p", $"{core++}", $"{pid}");
        }

        var spinners = Enumerable.Range(0, Spinners).Select(_ => Process.Start(new ProcessStartInfo("taskset", ["-c", "0", "sh", "-c", "while :; do :; done"]))!).ToList();
        JsonElement slowed;
        try
        {
            slowed = await run;
        }
        finally
        {
            foreach (var spinner in spinners)
            {
                spinner.Kill();
                spinner.Dispose();
            }
        }

        var all = steps.Read();
        var first = all[0].Generation;
        var (equal, moved) = (Rate(all, first), Rate(all, all[^1].Generation));
        if (all[^1].Generation == first)
        {
            throw new ToolException("No logical rank moved: give the job more steps.");
        }

        var isSame = Hash(quiet) == Hash(slowed);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            two quick workers    {quiet.GetProperty("samplesPerSecond").GetDouble():0.0} samples/s
            one at a third       {equal:0.0} samples/s with equal shares
            ranks moved          {moved:0.0} samples/s: {moved / equal:0.00} times
            weights              {(isSame ? "equal" : "NOT equal")} to the undisturbed run's
            """));
        return isSame ? 0 : 1;
    }

    private static async Task<JsonElement> TrainAsync(string[] job, string folder)
    {
        var (code, result) = await RunProgram.RunAsync(
            "Orchestrator.Coordinator",
            ["run", .. job, "--workers", $"{Workers}", "--set", "workers.threads=1", "--set", "evaluation.everySteps=0", "--set", "checkpoint.everySteps=0", "--format", "json", "--out", folder]);
        return code == 0 && result is { } end ? end : throw new ToolException($"The run in {folder} ended with exit code {code}.");
    }

    private static double Rate(IReadOnlyList<RunStep> all, long generation)
    {
        var steps = all.Where(step => step.Generation == generation).Skip(UntimedSteps).ToList();
        return steps.Count < 2 ? throw new ToolException($"Generation {generation} took too few steps to be timed: give the job more.")
            : steps.Skip(1).Sum(step => step.Samples) / (steps[^1].Time - steps[0].Time).TotalSeconds;
    }

    private static string? Hash(JsonElement result) => result.GetProperty("weightsSha256").GetString();
}
