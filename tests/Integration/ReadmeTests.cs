using System.Text.RegularExpressions;
using Orchestrator.Integration.Tests.Support;

namespace Orchestrator.Integration.Tests;

/// <summary>Every command of the README is typed as it stands there; training is cut to a few steps, and a folder that may not exist yet is another one.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private const int Steps = 6;
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Readme_EveryCommand_DoesWhatItSays()
    {
        var hashes = new List<string>();
        var verbs = new List<string>();
        foreach (var line in Commands())
        {
            verbs.Add(line[1]);
            // They have tests of their own, at a size that fits.
            if (line[1] is "bench" or "chaos" or "simulate")
            {
                continue;
            }

            var result = (await Command.RunAsync(Shortened(line[1..]))).Expect(0);
            if (line[1] == "run" && line.Contains("json"))
            {
                hashes.Add(result.Text("weightsSha256"));
            }
        }

        Assert.Equal(["run", "generate", "run", "run", "chaos", "simulate", "ledger", "run", "run", "bench", "bench"], verbs);
        // One worker, three workers, and a run that stopped and went on: the same bits.
        Assert.Single(hashes.Distinct());
    }

    [Fact]
    public void Readme_EveryLink_LeadsToAFile() => Assert.All(
        Link().Matches(Text).Select(match => match.Groups[1].Value),
        path => Assert.True(Path.Exists(Path.Combine(Command.Root, path)), $"README.md links to {path}, which is not there."));

    public void Dispose() => _folder.Dispose();

    private static string Text => File.ReadAllText(Path.Combine(Command.Root, "README.md"));

    private static IEnumerable<string[]> Commands() => Fence().Matches(Text).SelectMany(fence => fence.Groups[1].Value.Split('\n'))
        .Where(line => line.StartsWith("./orchestrator ", StringComparison.Ordinal))
        .Select(line => Word().Matches(line).Select(word => word.Value.Trim('"')).ToArray());

    private string[] Shortened(string[] words)
    {
        var command = words.Select(word => word.StartsWith("runs/first", StringComparison.Ordinal) ? Path.Combine(_folder.Path, word) : word switch
        {
            "60" => $"{Steps / 2}",
            _ => word,
        });
        return words[0] switch
        {
            "run" => [.. command, "--set", $"training.steps={Steps}"],
            "generate" => [.. command, "--length", "5"],
            _ => [.. command],
        };
    }

    [GeneratedRegex(@"```\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("\"[^\"]*\"|\\S+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\]\(([^)#:]+)\)")]
    private static partial Regex Link();
}
