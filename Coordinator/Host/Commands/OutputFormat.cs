using System.CommandLine;

namespace Orchestrator.Coordinator.Host.Commands;

/// <summary>The shape of standard output.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Table = 0,

    /// <summary>The last line is one object.</summary>
    Json = 1,

    /// <summary>An object a line.</summary>
    Jsonl = 2,
}

internal static class FormatOption
{
    public static Option<OutputFormat> Create(string meaning) => new("--format")
    {
        Description = meaning,
        HelpName = "table|json|jsonl",
        DefaultValueFactory = _ => OutputFormat.Table,
        CustomParser = result => result.Tokens[0].Value switch
        {
            "table" => OutputFormat.Table,
            "json" => OutputFormat.Json,
            "jsonl" => OutputFormat.Jsonl,
            var other => Refuse(result, other),
        },
    };

    private static OutputFormat Refuse(System.CommandLine.Parsing.ArgumentResult result, string typed)
    {
        result.AddError($"--format {typed}: one of table, json, jsonl is needed.");
        return OutputFormat.Table;
    }
}
