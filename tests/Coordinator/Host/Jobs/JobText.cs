using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Tests.Jobs;

/// <summary>Job files as text, and what reading them gives.</summary>
internal static class JobText
{
    public const string Gpt = """
        name: char-gpt
        seed: 1234
        model: {kind: gpt, layers: 4, heads: 4, width: 128, context: 128, dropout: 0.1}
        data: {kind: text, paths: ["README.md", "Shared/**/*.cs"], validationShare: 0.1}
        training:
          steps: 300
          globalBatch: 32
          logicalRanks: 8
          optimizer: {kind: adamw, learningRate: 3e-3, weightDecay: 0.1, betas: [0.9, 0.95]}
          schedule: {kind: cosine, warmupSteps: 20}
          clipNorm: 1.0
        workers: {min: 1, desired: 2, max: 8, device: auto, threads: 1}
        allReduce: {transport: auto, wire: fp32, bucketMiB: 25}
        checkpoint: {everySteps: 100, keep: 3}
        evaluation: {everySteps: 100}
        """;

    public const string Smallest = """
        model: {kind: mlp}
        data: {kind: csv, path: table.csv, target: y}
        training: {steps: 10}
        """;

    public static JobOutcome Parse(string text, params JobOverride[] overrides) => JobFile.Parse(text, "job.yaml", "/project", overrides);

    public static JobSpec Read(string text, params JobOverride[] overrides)
    {
        var outcome = Parse(text, overrides);
        Assert.Empty(outcome.Errors);
        return outcome.Job!;
    }

    /// <summary>The errors as a person sees them, one line each.</summary>
    public static string[] Errors(string text, params JobOverride[] overrides)
    {
        var outcome = Parse(text, overrides);
        Assert.Null(outcome.Job);
        return [.. outcome.Errors.Select(error => error.ToString())];
    }
}
