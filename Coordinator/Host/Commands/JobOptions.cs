using System.CommandLine;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The job file and the options that change it, on every verb that takes a job.</summary>
internal sealed class JobOptions
{
    public Argument<string> File { get; } = new("JOB.yaml") { Description = "The job file." };

    public Option<int?> Workers { get; } = new("--workers") { Description = "How many workers are wished for: sets workers.desired.", HelpName = "N" };

    public Option<string[]> Set { get; } = new("--set")
    {
        Description = "Changes one value of the job file, such as --set training.steps=20. May be given again.", HelpName = "a.b=c", DefaultValueFactory = _ => [],
    };

    public Option<string?> Resume { get; } = new("--resume") { Description = "Go on from a checkpoint: its folder, or a run folder (its newest one).", HelpName = "CHECKPOINT" };

    public Option<long?> StopAfter { get; } = new("--stop-after") { Description = "Stop after step N and leave the schedule as it is.", HelpName = "N" };

    public Option<string?> Out { get; } = new("--out", "-o") { Description = "The run folder. Default: runs/<run id>.", HelpName = "DIR" };

    public Option<string?> Nodes { get; } = new("--nnodes") { Description = "As torchrun spells it: hosts, N or MIN:MAX. Sets workers.min and workers.max.", HelpName = "MIN:MAX" };

    public Option<int?> ProcessesPerNode { get; } = new("--nproc-per-node", "--nproc_per_node") { Description = "As torchrun spells it: workers per host.", HelpName = "N" };

    public Option<int?> MaxRestarts { get; } = new("--max-restarts", "--max_restarts", "--restarts")
    {
        Description = "How often `run` starts one worker process again within 10 minutes before it is given up; 0: never. Default: 10. torchrun spells it --max-restarts.", HelpName = "N",
    };

    public void AddTo(Command command)
    {
        command.Arguments.Add(File);
        foreach (var option in (Option[])[Workers, Set, Resume, StopAfter, Out, Nodes, ProcessesPerNode, MaxRestarts])
        {
            command.Options.Add(option);
        }
    }

    /// <param name="result">What was typed.</param>
    /// <param name="isOneHost">The run stays on this machine.</param>
    /// <exception cref="UsageException">The file is missing or wrong, or options contradict each other. Every mistake of the file is in the message.</exception>
    public JobSpec Read(ParseResult result, bool isOneHost)
    {
        var path = result.GetValue(File)!;
        JobOutcome outcome;
        try
        {
            outcome = JobFile.Read(path, Overrides(result, isOneHost));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UsageException($"There is no job file {path}. Write one, or try examples/char-gpt.yaml.", ExitCodes.NotFound);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The job file {path} cannot be read: {e.Message}", ExitCodes.JobIsWrong);
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message);
        }

        return outcome.Job ?? throw new UsageException(string.Join('\n', outcome.Errors), ExitCodes.JobIsWrong);
    }

    /// <exception cref="UsageException">It is below 1.</exception>
    public long? ReadStopAfter(ParseResult result) => result.GetValue(StopAfter) switch
    {
        < 1 => throw new UsageException($"--stop-after {result.GetValue(StopAfter)}: a step from 1 on is needed."),
        var step => step,
    };

    /// <exception cref="UsageException">It is below 0.</exception>
    public int? ReadRestarts(ParseResult result) => result.GetValue(MaxRestarts) switch
    {
        < 0 and var count => throw new UsageException($"{result.GetResult(MaxRestarts)!.IdentifierToken!.Value} {count}: a number from 0 on is needed."),
        var count => count,
    };

    /// <summary>In the order of precedence: --set first, the short forms last.</summary>
    private List<JobOverride> Overrides(ParseResult result, bool isOneHost)
    {
        var overrides = result.GetValue(Set)!.Select(JobOverride.FromSet).ToList();
        var perNode = AtLeastOne(result.GetValue(ProcessesPerNode), "--nproc-per-node");
        if (result.GetValue(Nodes) is { } nodes)
        {
            var (min, max) = ReadNodes(nodes);
            if (isOneHost && min > 1)
            {
                throw new UsageException($"--nnodes {nodes}: run trains on this machine alone. For several hosts start a coordinator and workers, then type: ./orchestrator submit JOB.yaml --nnodes {nodes}");
            }

            var origin = $"--nnodes {nodes}";
            overrides.Add(new JobOverride(origin, "workers.min", $"{min * (perNode ?? 1)}"));
            overrides.Add(new JobOverride(origin, "workers.max", $"{max * (perNode ?? 1)}"));
            overrides.Add(new JobOverride(origin, "workers.desired", $"{(isOneHost ? 1 : max) * (perNode ?? 1)}"));
        }
        else if (perNode is { } count)
        {
            overrides.Add(new JobOverride($"--nproc-per-node {count}", "workers.desired", $"{count}"));
        }

        if (AtLeastOne(result.GetValue(Workers), "--workers") is { } workers)
        {
            overrides.Add(JobOverride.Workers(workers));
        }

        return overrides;
    }

    private static int? AtLeastOne(int? value, string option) =>
        value is < 1 ? throw new UsageException($"{option} {value}: a number from 1 on is needed.") : value;

    private static (int Min, int Max) ReadNodes(string typed)
    {
        var parts = typed.Split(':');
        return parts.Length <= 2 && int.TryParse(parts[0], out var min) && int.TryParse(parts[^1], out var max) && min >= 1 && max >= min
            ? (min, max)
            : throw new UsageException($"--nnodes {typed}: N or MIN:MAX is needed, such as 1:4.");
    }
}
