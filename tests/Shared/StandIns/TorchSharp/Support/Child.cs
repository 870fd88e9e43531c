using System.Diagnostics;

namespace TorchSharp.Tests.Support;

/// <summary>
/// Runs one method of <see cref="ChildPrograms"/> in a process of its own, because what it tries can be done once in the life of a process.
/// </summary>
internal static class Child
{
    private const string AnswerVariable = "ORCHESTRATOR_TEST_ANSWER";
    private const string InputVariable = "ORCHESTRATOR_TEST_INPUT";

    internal static string Input => Environment.GetEnvironmentVariable(InputVariable) ?? "";

    internal static void Answer(string text) =>
        File.WriteAllText(Environment.GetEnvironmentVariable(AnswerVariable) ?? throw new InvalidOperationException("This runs as a child only."), text);

    /// <returns>What the child answered.</returns>
    internal static string Run(string method, string input = "", params (string Name, string Value)[] variables)
    {
        var answer = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (var argument in new[]
            {
                typeof(Child).Assembly.Location, "-noColor", "-explicit", "only", "-method", $"{typeof(ChildPrograms).FullName}.{method}",
            })
            {
                start.ArgumentList.Add(argument);
            }
            start.Environment[AnswerVariable] = answer;
            start.Environment[InputVariable] = input;
            foreach (var (name, value) in variables)
            {
                start.Environment[name] = value;
            }
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{method} ended with {process.ExitCode}.\n{output}\n{error.Result}");
            return File.ReadAllText(answer);
        }
        finally
        {
            File.Delete(answer);
        }
    }
}
