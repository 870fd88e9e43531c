using System.Diagnostics;
using System.Text.Json;

namespace Orchestrator.Tools.Chaos;

/// <summary>Runs verbs of the programs that are built beside this one.</summary>
internal static class RunProgram
{
    /// <summary>`run` gives its workers ten seconds, when one is frozen, and saves a checkpoint before.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Where a program is.</summary>
    /// <param name="program">Orchestrator.Coordinator or Orchestrator.Worker.</param>
    /// <exception cref="ToolException">It is not built.</exception>
    public static string Assembly(string program)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var assembly = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", program, configuration, $"{program}.dll"));
        return File.Exists(assembly) ? assembly : throw new ToolException($"{assembly} is not there. Start this through ./orchestrator, which builds it.");
    }

    /// <summary>Runs a verb to its end; what it says goes through. A signal to this process ends it.</summary>
    /// <returns>Its exit code and the object on its last line; null when there is none.</returns>
    /// <exception cref="OperationCanceledException">A signal came; the verb has ended.</exception>
    public static Task<(int Code, JsonElement? Result)> RunAsync(string program, IEnumerable<string> arguments) => RunAsync([], program, arguments);

    /// <inheritdoc cref="RunAsync(string, IEnumerable{string})"/>
    /// <param name="prefix">A command that runs another one, and its arguments.</param>
    /// <param name="program">Orchestrator.Coordinator or Orchestrator.Worker.</param>
    /// <param name="arguments">The verb and its options.</param>
    /// <param name="cancellation">Ends it as a signal does.</param>
    public static async Task<(int Code, JsonElement? Result)> RunAsync(IEnumerable<string> prefix, string program, IEnumerable<string> arguments, CancellationToken cancellation = default)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Interruption.Token, cancellation);
        string[] command = [.. prefix, "dotnet", Assembly(program), .. arguments];
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        var reading = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(end.Token);
        }
        catch (OperationCanceledException)
        {
            await StopAsync(process);
            throw;
        }

        var output = await reading;
        var last = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        return (process.ExitCode, last?.StartsWith('{') == true ? JsonDocument.Parse(last).RootElement.Clone() : null);
    }

    /// <summary>Starts a verb that stays; what it says goes to a file. The process is the program's own, so that a signal to it reaches the program.</summary>
    /// <param name="prefix">A command that runs another one in its own place, and its arguments.</param>
    /// <param name="log">The file.</param>
    /// <param name="program">Orchestrator.Coordinator or Orchestrator.Worker.</param>
    /// <param name="arguments">The verb and its options.</param>
    /// <param name="temporary">Its folder for temporary files; null: that of this process.</param>
    public static Process StartLogged(IEnumerable<string> prefix, string log, string program, IEnumerable<string> arguments, string? temporary = null)
    {
        string[] command = [.. prefix, "sh", "-c", "exec \"$@\" >\"$0\" 2>&1 </dev/null", log, "dotnet", Assembly(program), .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..]);
        if (temporary is not null)
        {
            start.Environment["TMPDIR"] = temporary;
        }

        return Process.Start(start)!;
    }

    /// <summary>Tells a process to end, and kills it when it does not.</summary>
    public static async Task StopAsync(Process process)
    {
        if (process.HasExited)
        {
            return;
        }

        // A frozen one could not hear it.
        Signals.Send(process.Id, Signals.Continue);
        Signals.Send(process.Id, Signals.Term);
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Signals.Send(process.Id, Signals.Kill);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }
}
