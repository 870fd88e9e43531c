using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>A job file as a tree in which every node knows where it was written. Closed set.</summary>
/// <param name="Origin">What an error about the node begins with: FILE:LINE, or the option that set it.</param>
public abstract record JobNode(string Origin)
{
    /// <summary>A single value, not yet typed.</summary>
    public sealed record Scalar(string Origin, string Text, bool IsQuoted) : JobNode(Origin)
    {
        public bool IsNull => !IsQuoted && Text is "" or "~" or "null" or "Null" or "NULL";
    }

    public sealed record Sequence(string Origin, ImmutableArray<JobNode> Items) : JobNode(Origin);

    /// <summary>Keys in the order in which they were written, none twice.</summary>
    public sealed record Mapping(string Origin, ImmutableArray<JobEntry> Entries) : JobNode(Origin)
    {
        public JobEntry? Find(string key) => Entries.FirstOrDefault(entry => entry.Key == key);
    }

    /// <summary>The node as a person would name it in a sentence.</summary>
    public string Describe() => this switch
    {
        Scalar { IsQuoted: true } scalar => $"the text \"{Shorten(scalar.Text)}\"",
        Scalar scalar => $"'{Shorten(scalar.Text)}'",
        Sequence sequence => $"a list of {sequence.Items.Length}",
        _ => "a group of keys",
    };

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..57] + "...";
}

/// <summary>One key of a mapping.</summary>
public sealed record JobEntry(string Key, string Origin, JobNode Value);
