using System.Text.Json;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>How long the steps of a run took, as its members measured them: a step that waited for anybody is a long one.</summary>
internal static class StepGaps
{
    /// <summary>In which programs are still being compiled and memory is touched for the first time.</summary>
    private const int FirstSteps = 100;

    /// <returns>The sentence for the test's output.</returns>
    public static string Describe(string runDir)
    {
        var seconds = File.ReadLines(Path.Combine(runDir, "steps.jsonl")).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("stepSeconds").GetDouble()).Skip(FirstSteps).Order().ToArray();
        return string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{seconds.Length} steps behind the first {FirstSteps}: median {seconds[seconds.Length / 2] * 1000:0.00} ms, 99.9th percentile {seconds[(int)(seconds.Length * 0.999)] * 1000:0.0} ms, longest {seconds[^1] * 1000:0.0} ms");
    }
}
