namespace Orchestrator.Integration.Tests.Support;

/// <summary>The smallest real training: three spirals of a CSV file and a perceptron, about a millisecond a step.</summary>
internal static class Spirals
{
    public const string Job = "examples/spirals-mlp.yaml";

    /// <summary>More steps than any test waits for.</summary>
    public const string Endless = "training.steps=100000000";

    /// <summary>`run` or `submit` with these changes of the job.</summary>
    public static string[] Command(string verb, string[] changes, params string[] more) => [verb, Job, .. changes.SelectMany(change => new[] { "--set", change }), .. more];

    /// <summary>The hash of a run that nothing disturbs, on one worker, after that many steps.</summary>
    public static async Task<string> QuietHashAsync(TestFolder folder, long steps, params string[] changes) =>
        (await Support.Command.RunAsync(Command("run", [Endless, "checkpoint.everySteps=0", .. changes], "--stop-after", $"{steps}", "--workers", "1", "--format", "json", "--out", folder.New("quiet")))).Expect(0).WeightsSha256;
}
