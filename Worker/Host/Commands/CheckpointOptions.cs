using System.CommandLine;

namespace Orchestrator.Worker.Host.Commands;

/// <summary>What every verb takes that works on a checkpoint.</summary>
internal sealed class CheckpointOptions
{
    public Argument<string> Checkpoint { get; } = new("CHECKPOINT") { Description = "A checkpoint's folder, or a run's folder (its newest checkpoint)." };

    public Option<string[]> Set { get; } = new("--set") { Description = "Change a value of the checkpoint's job file, such as data.validationShare=0.2.", AllowMultipleArgumentsPerToken = false };

    public Option<string?> Out { get; } = new("--out", "-o") { Description = "Also write the result into this folder." };

    public Option<string> Format { get; } = FormatOption();

    public void AddTo(Command command)
    {
        command.Add(Checkpoint);
        command.Add(Set);
        command.Add(Out);
        command.Add(Format);
    }

    /// <summary>Writes the result to --out, when it was given.</summary>
    public void Keep(ParseResult result, string fileName, string text)
    {
        if (result.GetValue(Out) is { } folder)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, fileName), text);
        }
    }

    public static Option<string> FormatOption()
    {
        var option = new Option<string>("--format") { Description = "table, json or jsonl.", DefaultValueFactory = _ => "table" };
        option.AcceptOnlyFromAmong("table", "json", "jsonl");
        return option;
    }
}
