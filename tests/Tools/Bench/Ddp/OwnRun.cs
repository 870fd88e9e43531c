using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Tools.Bench.Ddp;

/// <param name="SamplesPerSecond">As `run` says it.</param>
/// <param name="ExposedMilliseconds">What each timed step took beyond its slowest worker's own work: the part of the all-reduce that nothing hides.</param>
internal sealed record OwnTurn(double SamplesPerSecond, double[] ExposedMilliseconds);

/// <summary>One whole `run` of a job with worker processes.</summary>
internal static class OwnRun
{
    public static OwnTurn Train(DdpOptions options, string folder)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])
        [
            Path.Combine(AppContext.BaseDirectory, "Orchestrator.Coordinator.dll"), "run", .. options.Words, "--workers", $"{options.Workers}",
            "--set", $"training.steps={options.Steps}", "--set", "checkpoint.everySteps=0", "--set", "evaluation.everySteps=0", "--set", "workers.threads=1",
            "--format", "json", "--out", folder,
        ])
        {
            start.ArgumentList.Add(word);
        }

        start.Environment.TryAdd("ORCHESTRATOR_WORKER", Path.Combine(AppContext.BaseDirectory, "Orchestrator.Worker.dll"));
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var last = process.StandardOutput.ReadToEnd().Trim().Split('\n')[^1];
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new ToolException($"The run ended with exit code {process.ExitCode}: {errors.Result.Trim().Split('\n')[^1]}");
        }

        using var answer = JsonDocument.Parse(last);
        return new OwnTurn(answer.RootElement.GetProperty("samplesPerSecond").GetDouble(), Exposed(Path.Combine(folder, "steps.jsonl")));
    }

    // A fast worker's wait has the slow one's work in it, so the waits themselves say nothing; every figure of a step is its slowest worker's.
    private static double[] Exposed(string file) =>
        [.. File.ReadLines(file).Skip(DdpCommand.UntimedSteps).Select(line =>
        {
            using var step = JsonDocument.Parse(line);
            double Seconds(string name) => step.RootElement.GetProperty(name).GetDouble();
            return Math.Max(0, Seconds("stepSeconds") - Seconds("dataSeconds") - Seconds("computeSeconds") - Seconds("updateSeconds")) * 1000;
        })];
}
