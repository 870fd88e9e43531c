using System.CommandLine;
using System.CommandLine.Help;
using Orchestrator.Coordinator.Host.Jobs;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>All verbs of this program, and how a mistake in typing them is answered.</summary>
internal static class CommandLine
{
    public static Command Create() => Build().Root;

    private static (Command Root, TlsOptions Tls) Build()
    {
        var tls = new TlsOptions();
        var root = new Verb("./orchestrator", "Trains models on any number of worker processes, with the same bits on any number of them. More verbs, each with --help: worker, generate, evaluate, data, doctor, ledger, bench.",
            "run examples/char-gpt.yaml --workers 2",
            "coordinator",
            "worker --coordinator 127.0.0.1:7070",
            "submit examples/char-gpt.yaml --workers 2")
        {
            RunCommand.Create(), CoordinatorCommand.Create(tls), SubmitCommand.Create(), StatusCommand.Create(), StopCommand.Create(), ScaleCommand.Create(), DrainCommand.Create(),
            WorkersCommand.Create(), LogsCommand.Create(), WaitCommand.Create(), CheckpointCommand.Create(), CertsCommand.Create(),
        };
        var help = new HelpOption { Recursive = true };
        help.Action = new ExampleHelp((HelpAction)help.Action!);
        root.Options.Add(help);
        root.Options.Add(new VersionOption());
        tls.AddTo(root);
        return (root, tls);
    }

    public static async Task<int> RunAsync(string[] arguments)
    {
        var (root, tls) = Build();
        var result = root.Parse(arguments.Length == 0 ? ["--help"] : arguments);
        if (result.Errors.Count > 0 && result.Action is not ExampleHelp)
        {
            if (result.CommandResult.Command == root && result.UnmatchedTokens is [var typed, ..])
            {
                var meant = NearestKey.Find(typed, root.Subcommands.Select(command => command.Name)) is { } near ? $" Did you mean '{near}'?" : "";
                Console.Error.WriteLine($"There is no verb '{typed}'.{meant}");
            }
            else
            {
                foreach (var error in result.Errors)
                {
                    Console.Error.WriteLine(error.Message);
                }
            }

            var verb = result.CommandResult.Command == root ? "" : $" {string.Join(' ', Verbs(result.CommandResult))}";
            Console.Error.WriteLine($"Type ./orchestrator{verb} --help for how it is used, with an example.");
            return ExitCodes.Usage;
        }

        try
        {
            CoordinatorClient.TypedTls = tls.Read(result);
            // Signals are the verbs' own: run stops after a step, and would be cut off by a time-out here.
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine(e.Message);
            return e.ExitCode;
        }
        catch (FileNotFoundException e)
        {
            Console.Error.WriteLine(e.Message);
            return ExitCodes.NotFound;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"A bug of the orchestrator's ended it. Report it with this text and what you typed: {e}");
            return ExitCodes.Failed;
        }
    }

    private static IEnumerable<string> Verbs(System.CommandLine.Parsing.CommandResult command) =>
        command.Parent is System.CommandLine.Parsing.CommandResult parent ? [.. Verbs(parent), command.Command.Name] : [];
}
