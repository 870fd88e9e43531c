using System.CommandLine;
using Orchestrator.Coordinator.Host;
using Orchestrator.Training.Data;
using Orchestrator.Training.Tasks;

namespace Orchestrator.Tools;

/// <summary>Runs a verb of this program; mistakes end with one sentence on standard error and the exit code that says whose they are.</summary>
internal static class Verbs
{
    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        var result = root.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
            {
                await Console.Error.WriteLineAsync(error.Message);
            }

            await Console.Error.WriteLineAsync("Add --help to the verb to see how it is used, with an example.");
            return ExitCodes.Usage;
        }

        try
        {
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (OperationCanceledException) when (Interruption.ExitCode is { } code)
        {
            await Console.Error.WriteLineAsync("Ended by a signal; everything that was started has ended too.");
            return code;
        }
        catch (ToolException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return error.ExitCode;
        }
        catch (Exception error) when (error is DataException or TaskException or IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return ExitCodes.Failed;
        }
    }
}

/// <summary>A tool cannot do what was asked; the message says why and the cure.</summary>
internal sealed class ToolException(string message, int exitCode = ExitCodes.Failed) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
