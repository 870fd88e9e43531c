using System.Text.Json;

namespace Orchestrator.Integration.Tests.Support;

/// <summary>How a command ended and what it said.</summary>
internal sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    /// <summary>The last line of standard output as the object that --format json promises.</summary>
    public JsonElement Json => JsonDocument.Parse(Output.TrimEnd().Split('\n')[^1]).RootElement;

    public string LastErrorLine => Error.TrimEnd().Split('\n')[^1];

    /// <summary>Of a run: the hash that all these tests are about.</summary>
    public string WeightsSha256 => Text("weightsSha256");

    public string Text(string property) => Json.GetProperty(property).GetString() ?? throw new InvalidDataException($"{Command}: {property} is null in {Json}.");

    public CommandResult Expect(int exitCode)
    {
        Assert.True(ExitCode == exitCode, $"{this}\nExit code {exitCode} was expected.");
        return this;
    }

    /// <summary>Standard error tells a person what to do: these words are in it, and no stack trace.</summary>
    public CommandResult ExpectError(params string[] words)
    {
        foreach (var word in words)
        {
            Assert.True(Error.Contains(word, StringComparison.Ordinal), $"{this}\n'{word}' was expected on standard error.");
        }

        Assert.False(HasStackTrace(Error) || HasStackTrace(Output), $"{this}\nA stack trace is no answer to a person's mistake.");
        return this;
    }

    public override string ToString() => $"orchestrator {Command} ended with {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";

    private static bool HasStackTrace(string text) => text.Split('\n').Any(line => line.StartsWith("   at ", StringComparison.Ordinal));
}
