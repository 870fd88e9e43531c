using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Runs verbs of the programs that are built beside this one.</summary>
internal static class RunProgram
{
    /// <summary>Starts a verb; what it says goes through.</summary>
    /// <param name="program">Orchestrator.Coordinator or Orchestrator.Worker.</param>
    /// <param name="arguments">The verb and its options.</param>
    public static Process Start(string program, IEnumerable<string> arguments)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var assembly = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", program, configuration, $"{program}.dll"));
        if (!File.Exists(assembly))
        {
            throw new ToolException($"{assembly} is not there. Start this through ./orchestrator, which builds it.");
        }

        return Process.Start(new ProcessStartInfo("dotnet", [assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
    }

    /// <summary>Runs a verb to its end.</summary>
    /// <returns>Its exit code and the object on its last line; null when there is none.</returns>
    public static async Task<(int Code, JsonElement? Result)> RunAsync(string program, IEnumerable<string> arguments)
    {
        using var process = Start(program, arguments);
        return await EndAsync(process);
    }

    /// <summary>Waits for the end of a process that was started here.</summary>
    public static async Task<(int Code, JsonElement? Result)> EndAsync(Process process)
    {
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return (process.ExitCode, last?.StartsWith('{') == true ? JsonDocument.Parse(last).RootElement.Clone() : null);
    }
}
