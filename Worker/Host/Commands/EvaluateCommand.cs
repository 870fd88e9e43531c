using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>`evaluate`: loss and accuracy of a checkpoint on the held-out part of its data.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var options = new CheckpointOptions();
        var command = new Command(
            "evaluate", "Prints loss and accuracy of a checkpoint on the held-out part of its data.\n\nExample: ./orchestrator evaluate runs/RUN --format json");
        options.AddTo(command);
        command.SetAction(result => CommandRunner.Guard(() => Evaluate(options, result)));
        return command;
    }

    private static int Evaluate(CheckpointOptions options, ParseResult result)
    {
        using var loaded = LoadedCheckpoint.Open(result.GetValue(options.Checkpoint)!, result.GetValue(options.Set) ?? []);
        var heldOut = loaded.Data.HeldOut is { Count: > 0 } part
            ? part
            : throw new DataException("The job holds no samples out: its validationShare is 0 or too small. Add --set data.validationShare=0.1.");
        var sums = Evaluator.Run(
            loaded.Task, loaded.Model, loaded.Device, loaded.Data.Shape, heldOut, long.MaxValue, loaded.Job.Seed, CancellationToken.None);
        var bitsPerByte = loaded.Job.Data is TextDataSpec ? sums.Loss / Math.Log(2) : (double?)null;
        var json = JsonSerializer.Serialize(new Report(sums.Loss, sums.Accuracy, bitsPerByte, sums.Samples, loaded.Manifest.Step, loaded.Manifest.WeightsSha256), JsonOptions);
        options.Keep(result, "evaluation.json", json + "\n");
        Console.WriteLine(result.GetValue(options.Format) == "table" ? Table(sums, bitsPerByte, loaded.Manifest.Step) : json);
        return 0;
    }

    private static string Table(EvaluationResult sums, double? bitsPerByte, long step)
    {
        var accuracy = sums.Accuracy is { } share ? string.Create(CultureInfo.InvariantCulture, $", accuracy {share:P2}") : "";
        var bits = bitsPerByte is { } value ? string.Create(CultureInfo.InvariantCulture, $" ({value:0.000} bits per byte)") : "";
        return string.Create(CultureInfo.InvariantCulture, $"step {step}: loss {sums.Loss:0.0000}{bits}{accuracy} on {sums.Samples} held-out samples");
    }

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    private sealed record Report(double Loss, double? Accuracy, double? BitsPerByte, long Samples, long Step, string WeightsSha256);
}
