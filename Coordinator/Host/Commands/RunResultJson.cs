using System.Text.Json;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Protocol.V1;
using RunState = Orchestrator.Coordinator.Core.Runs.RunState;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The result of a run as scripts read it: one object on one line, with exactly these fields.</summary>
internal static class RunResultJson
{
    private static readonly JsonSerializerOptions Options = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Of(RunState run)
    {
        var outcome = (run.Phase as RunPhase.Ended)?.Outcome;
        return JsonSerializer.Serialize(
            new Result(
                run.Id.Value, RunStates.Of(run), run.Progress.Checkpoint is { } c && outcome is not null ? Math.Max(c.Step, run.Progress.Step) : run.Progress.Step,
                Finite(run.Progress.Loss), outcome?.WeightsSha256, Finite(run.Progress.Rate.Overall), run.GenerationSize, run.FormedGenerations,
                run.LostLogicalRankSteps, run.Order.RunDir),
            Options);
    }

    /// <summary>The same of a run that a coordinator elsewhere directed.</summary>
    public static string Of(RunStatus run) => JsonSerializer.Serialize(
        new Result(
            run.RunId, StatusJson.StateOf(run), run.Step, run.HasLoss ? Finite(run.Loss) : null, run.HasWeightsSha256 ? run.WeightsSha256 : null,
            run.HasSamplesPerSecond ? Finite(run.SamplesPerSecond) : null, run.Workers, run.Generations, run.LostLogicalRankSteps, run.RunDir),
        Options);

    /// <summary>JSON has no NaN: a loss that is not finite is null.</summary>
    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;

    /// <param name="LostLogicalRankSteps">0: a run that loses a worker ends, so nothing is computed a second time.</param>
    private sealed record Result(
        string RunId, string State, long Steps, double? Loss, string? WeightsSha256, double? SamplesPerSecond, int Workers, long Generations,
        long LostLogicalRankSteps, string RunDir);
}
