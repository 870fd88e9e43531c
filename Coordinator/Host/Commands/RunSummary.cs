using System.Globalization;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>What a person sees at the end of a run: the figures, where everything is, and what to type next.</summary>
internal static class RunSummary
{
    /// <param name="run">Ended.</param>
    /// <param name="jobFile">As the person typed it.</param>
    public static IEnumerable<string> Lines(RunState run, string jobFile)
    {
        var progress = run.Progress;
        yield return "";
        yield return Row("Run", $"{run.Id} {RunStates.Of(run)}");
        if (progress.Loss is { } loss)
        {
            yield return Row("Loss", $"{Loss(loss, run)} (mean of the last {progress.RecentLosses.Length} steps)");
        }

        if (progress.HeldOut is { } heldOut)
        {
            yield return Row("Held out", $"{Loss(heldOut.Loss, run)}{(heldOut.Accuracy is { } accuracy ? $", accuracy {accuracy.ToString("P2", CultureInfo.InvariantCulture)}" : "")} (step {heldOut.Step})");
        }

        if (progress.Rate.Overall is not null)
        {
            yield return Row("Speed", $"{Quantities.Rate(progress.Rate.Overall)} samples/s on {Quantities.Workers(run.GenerationSize)}");
        }

        if (run.Phase is RunPhase.Ended { Outcome.WeightsSha256: { } sha256 })
        {
            yield return Row("Weights", $"sha256 {sha256}");
        }

        yield return Row("Run folder", Shorten(run.Order.RunDir));
        if (progress.Checkpoint is not { } checkpoint)
        {
            yield break;
        }

        var path = Shorten(checkpoint.Path);
        yield return Row("Checkpoint", path);
        yield return "";
        yield return "Next:";
        if (run.Order.Job.Data is TextDataSpec)
        {
            yield return $"  ./orchestrator generate {path} --prompt \"using System\"";
        }

        yield return $"  ./orchestrator evaluate {path}";
        var more = run.Phase is RunPhase.Ended { Outcome.Result: RunResult.Succeeded } && run.Order.Job.Training.Steps is { } steps
            ? $" --set training.steps={2 * steps}"
            : "";
        if (more.Length > 0 || run.Phase is not RunPhase.Ended { Outcome.Result: RunResult.Succeeded })
        {
            // A run folder stands for its newest checkpoint, unless the job keeps checkpoints elsewhere.
            var origin = checkpoint.Path.StartsWith(run.Order.RunDir + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? Shorten(run.Order.RunDir) : path;
            yield return $"  ./orchestrator run {jobFile} --resume {origin}{more}";
        }
    }

    /// <summary>Text models predict one byte per target, so nats per target are bits per byte but for the logarithm's base.</summary>
    private static string Loss(double loss, RunState run) => run.Order.Job is { Model: GptSpec, Data: TextDataSpec }
        ? string.Create(CultureInfo.InvariantCulture, $"{loss:0.0000} nats = {loss / Math.Log(2):0.000} bits per byte")
        : loss.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Row(string name, string value) => $"{name,-11} {value}";

    /// <summary>Relative to where the person is, when that is shorter.</summary>
    private static string Shorten(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.Length < path.Length && !relative.StartsWith("..", StringComparison.Ordinal) ? relative : path;
    }
}
