using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data.Csv;
using Orchestrator.Training.Data.Idx;
using Orchestrator.Training.Data.Text;

namespace Orchestrator.Training.Data;

/// <summary>Opens what a job file's data section names.</summary>
public static class DataSources
{
    /// <summary>The task option that sets the tokens of a text sample when the model is the user's own; a built-in gpt has model.context.</summary>
    public const string ContextOption = "context";

    private const int DefaultContext = 128;

    /// <summary>Opens and hashes both parts of the data. The caller disposes them.</summary>
    /// <exception cref="DataException">There is no data section, or its files are missing or wrong.</exception>
    public static DataParts Open(JobSpec job) => job.Data switch
    {
        TextDataSpec text => TextWindows.Open(text, ContextOf(job), job.ProjectRoot),
        IdxDataSpec idx => IdxImages.Open(idx, new MnistDownload()),
        CsvDataSpec csv => CsvRows.Open(csv),
        null => throw new DataException($"Job '{job.Name}' has no data section. Add one (kind text, idx or csv), or let the task open its own data (TrainingTask.OpenData)."),
        _ => throw new DataException($"Data of type {job.Data.GetType().Name} cannot be opened; kind text, idx or csv was expected."),
    };

    private static int ContextOf(JobSpec job)
    {
        if (job.Model is GptSpec gpt)
        {
            return gpt.Context;
        }

        if (job.Task?.Options.TryGetValue(ContextOption, out var option) != true)
        {
            return DefaultContext;
        }

        return int.TryParse(option, out var context) && context > 0
            ? context
            : throw new DataException($"task.options.{ContextOption} is '{option}'; the number of tokens of a text sample was expected, at least 1.");
    }
}
