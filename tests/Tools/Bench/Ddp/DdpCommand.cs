using System.CommandLine;
using Orchestrator.Parity;

namespace Orchestrator.Tools.Bench.Ddp;

/// <summary>`bench ddp`: training by real processes, beside PyTorch's DistributedDataParallel over Gloo.</summary>
internal static class DdpCommand
{
    /// <summary>The first five steps of a turn are not timed, on either side.</summary>
    public const int UntimedSteps = 5;

    public static Command Create()
    {
        var job = new JobArgument();
        var workers = new Option<int>("--workers") { Description = "Processes of each system.", DefaultValueFactory = _ => 2 };
        var python = new Option<string?>("--python") { Description = "A Python with torch; by default Debian's, which has the same libtorch." };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each runs both systems once, in turn.", DefaultValueFactory = _ => 5 };
        var steps = new Option<int>("--steps") { Description = $"Steps of a system in a round, the first {UntimedSteps} not timed.", DefaultValueFactory = _ => 45 };
        var format = new Option<string>("--format") { Description = "table, json or jsonl.", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "json", "jsonl");
        AtLeast(workers, 1);
        AtLeast(rounds, 1);
        AtLeast(steps, UntimedSteps + 1);
        var command = new Command(
            "ddp", "Trains a job with real worker processes and, in turn, its PyTorch twin with DistributedDataParallel over Gloo, and compares samples per second.\n\n" +
            "Example: ./orchestrator bench ddp examples/char-gpt.yaml --workers 2") { workers, python, rounds, steps, format };
        job.AddTo(command);
        command.SetAction(result =>
        {
            PyTorch.Interpreter = result.GetValue(python) ?? PyTorch.Interpreter;
            if (PyTorch.WhyMissing is { } reason)
            {
                throw new ToolException(reason);
            }

            var options = new DdpOptions(
                job.Read(result), job.Words(result), result.GetValue(workers), result.GetValue(rounds), result.GetValue(steps));
            var figures = DdpBenchmark.Run(options);
            DdpReport.Write(options, figures, result.GetValue(format)!);
            return 0;
        });
        return command;
    }

    private static void AtLeast(Option<int> count, int least) => count.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() < least)
        {
            result.AddError($"{count.Name} must be at least {least}.");
        }
    });
}
