using System.CommandLine;
using Orchestrator.Coordinator.Core.Runs;
using Orchestrator.Coordinator.Core.Supervision;
using Orchestrator.Coordinator.Host.Launch;
using Orchestrator.Coordinator.Host.Runs;
using Orchestrator.Core.Jobs;
using Orchestrator.Storage;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>`run`: trains a job on this machine, with a coordinator in this process and worker processes beside it.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var options = new JobOptions();
        var format = FormatOption.Create("Standard output: a summary, the result as one JSON object, or the events as they come.");
        var command = new Verb("run", "Trains a job on this machine.",
            "run examples/char-gpt.yaml --workers 2",
            "run examples/char-gpt.yaml --set training.steps=20 --format json",
            "run examples/char-gpt.yaml --resume runs/RUN --set training.steps=600");
        options.AddTo(command);
        command.Options.Add(format);
        command.SetAction((result, _) => RunAsync(result, options, result.GetValue(format)));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult result, JobOptions options, OutputFormat format)
    {
        var time = TimeProvider.System;
        var job = options.Read(result, isOneHost: true);
        var stopAfter = options.ReadStopAfter(result);
        var resume = FindResumePoint(result.GetValue(options.Resume), job, stopAfter);
        var id = RunIds.New(job.Name, time.GetUtcNow());
        var order = new RunOrder
        {
            Id = id, Job = job, StopAfter = stopAfter, ResumeFrom = resume?.Path, ResumeFingerprint = resume?.Manifest.Fingerprint, Launcher = id.Value,
            JobFile = result.GetValue(options.File)!,
            RunDir = Path.GetFullPath(result.GetValue(options.Out) ?? Path.Combine("runs", id.Value)),
        };
        if (RunFolderRule.WhyNot(order.RunDir, order.ResumeFrom) is { } reason)
        {
            throw new UsageException(reason);
        }

        var limits = options.ReadRestarts(result) is { } restarts ? new RestartLimits { MaxRestarts = restarts } : new RestartLimits();
        var screen = Screen.OfProcess(time);
        var (run, exitCode) = await new RunSession(order, WorkerProgram.Find(), limits, screen, format, time).RunAsync();
        return Conclude(run, exitCode, screen, format);
    }

    /// <summary>Standard output has the result, and the last line of standard error is the reason of a failure.</summary>
    private static int Conclude(RunState run, int exitCode, Screen screen, OutputFormat format)
    {
        if (format == OutputFormat.Json)
        {
            Console.Out.WriteLine(RunResultJson.Of(run));
        }
        else if (format == OutputFormat.Table)
        {
            foreach (var line in RunSummary.Lines(run, run.Order.JobFile))
            {
                Console.Out.WriteLine(line);
            }
        }

        Console.Out.Flush();
        if (run.Phase is RunPhase.Ended { Outcome.Result: RunResult.Failed })
        {
            screen.Failure(run.Reason);
        }
        else
        {
            screen.Line(run.Reason);
        }

        return exitCode;
    }

    private static ResumePoint? FindResumePoint(string? typed, JobSpec job, long? stopAfter)
    {
        if (typed is null)
        {
            return null;
        }

        try
        {
            var point = ResumePoint.Find(typed);
            var problems = point.WhyNot(job, stopAfter).ToList();
            return problems.Count == 0 ? point : throw new UsageException(string.Join('\n', problems), ExitCodes.JobIsWrong);
        }
        catch (StorageException e)
        {
            throw new UsageException(e.Message, e.Failure == StorageFailure.NotFound ? ExitCodes.NotFound : ExitCodes.Failed);
        }
    }
}
