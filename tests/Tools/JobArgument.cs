using System.CommandLine;
using Orchestrator.Coordinator.Host;
using Orchestrator.Coordinator.Host.Jobs;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Tools;

/// <summary>The job that a verb works on: a file, and --set options that change it.</summary>
internal sealed class JobArgument
{
    private readonly Argument<string> _file = new("job") { Description = "A job file.", DefaultValueFactory = _ => "examples/char-gpt.yaml" };
    private readonly Option<string[]> _set = new("--set") { Description = "Changes one value of the job, as in --set training.globalBatch=16." };

    public void AddTo(Command command)
    {
        command.Arguments.Add(_file);
        command.Options.Add(_set);
    }

    /// <summary>The same job for another program's command line: the file and its --set options.</summary>
    public string[] Words(ParseResult result) => [result.GetValue(_file)!, .. (result.GetValue(_set) ?? []).SelectMany(change => (string[])["--set", change])];

    /// <exception cref="ToolException">The file is missing or wrong.</exception>
    public JobSpec Read(ParseResult result)
    {
        var file = result.GetValue(_file)!;
        if (!File.Exists(file))
        {
            throw new ToolException($"There is no job file {file}. Name one, or start this from the repository's folder.", ExitCodes.NotFound);
        }

        try
        {
            var outcome = JobFile.Read(file, [.. (result.GetValue(_set) ?? []).Select(JobOverride.FromSet)]);
            return outcome.Job ?? throw new ToolException(string.Join('\n', outcome.Errors), ExitCodes.JobIsWrong);
        }
        catch (FormatException error)
        {
            throw new ToolException(error.Message, ExitCodes.Usage);
        }
    }
}
