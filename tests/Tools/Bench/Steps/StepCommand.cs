using System.CommandLine;
using Orchestrator.Parity;
using Orchestrator.Worker.Host.Training;

namespace Orchestrator.Tools.Bench.Steps;

/// <summary>`bench step`: what a training step costs on one worker, beside plain PyTorch on the same libtorch.</summary>
internal static class StepCommand
{
    public static Command Create()
    {
        var job = new JobArgument();
        var python = new Option<string?>("--python") { Description = "A Python with torch on the same libtorch; by default Debian's." };
        var rounds = new Option<int>("--rounds") { Description = "Rounds; each measures every program once, in turn.", DefaultValueFactory = _ => 7 };
        var steps = new Option<int>("--steps") { Description = "Timed steps of a program in a round, after one that is not timed.", DefaultValueFactory = _ => 6 };
        var ranks = new Option<int>("--ranks") { Description = "The larger number of logical ranks to measure; the smaller is 1.", DefaultValueFactory = _ => 8 };
        var format = new Option<string>("--format") { Description = "table or jsonl.", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "jsonl");
        foreach (var count in new[] { rounds, steps, ranks })
        {
            count.Validators.Add(result =>
            {
                if (result.GetValueOrDefault<int>() < 1)
                {
                    result.AddError($"{count.Name} must be at least 1.");
                }
            });
        }

        var command = new Command(
            "step", "Times training steps of a job on one worker with 1 and with 8 logical ranks, in turn with PyTorch: one pass over the batch, and as many micro-batches.\n\n" +
            "Example: ./orchestrator bench step examples/char-gpt.yaml --rounds 7") { python, rounds, steps, ranks, format };
        job.AddTo(command);
        command.SetAction(result =>
        {
            PyTorch.Interpreter = result.GetValue(python) ?? PyTorch.Interpreter;
            if (PyTorch.WhyMissing is { } reason)
            {
                throw new ToolException(reason);
            }

            var spec = job.Read(result);
            StepReport.Write(OnTrainingThread(() =>
            {
                using var benchmark = new StepBenchmark(spec, result.GetValue(ranks), result.GetValue(steps));
                return benchmark.Run(result.GetValue(rounds));
            }), result.GetValue(format)!);
            return 0;
        });
        return command;
    }

    /// <summary>On a worker's own kind of thread, with its settings of the allocator.</summary>
    private static T OnTrainingThread<T>(Func<T> work)
    {
        var result = new TaskCompletionSource<T>();
        using var thread = new TrainingThread(error => result.TrySetException(error));
        thread.Post(() => result.SetResult(work()));
        return result.Task.GetAwaiter().GetResult();
    }
}
