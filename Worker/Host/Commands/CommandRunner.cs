using System.CommandLine;
using Orchestrator.Core.Messages;
using Orchestrator.Storage;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>Runs a verb; usage mistakes end with 2, a known failure with one sentence on standard error.</summary>
internal static class CommandRunner
{
    private const int ExitUsage = 2;
    private const int ExitFailed = 1;
    private const int ExitNotFound = 6;

    public static async Task<int> RunAsync(RootCommand root, string[] arguments)
    {
        var result = root.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            foreach (var error in result.Errors)
            {
                await Console.Error.WriteLineAsync(error.Message);
            }

            await Console.Error.WriteLineAsync($"./orchestrator {result.CommandResult.Command.Name} --help shows how it is used, with an example.");
            return ExitUsage;
        }

        // Signals are the verbs' own: a time-out here would end a worker with 143 before it has left its run in order.
        try
        {
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception error)
        {
            await Console.Error.WriteLineAsync($"A bug of the orchestrator's ended it. Report it with this text and what you typed: {error}");
            return ExitFailed;
        }
    }

    /// <summary>Runs a verb's body.</summary>
    /// <param name="body">Returns the exit code.</param>
    public static int Guard(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or StorageException { Failure: StorageFailure.NotFound })
        {
            Console.Error.WriteLine(error.Message);
            return ExitNotFound;
        }
        catch (Exception error) when (FailureRule.Describe(error) is { Kind: not FailureKind.Internal } failure)
        {
            Console.Error.WriteLine(failure.Reason);
            return ExitFailed;
        }
    }
}
