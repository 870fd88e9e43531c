using System.Collections.Immutable;

namespace Orchestrator.Core.Jobs;

/// <summary>Labels: names with values that a person gives to a worker, and that a job asks for.</summary>
public static class LabelRule
{
    /// <summary>Of one worker, or of one job.</summary>
    public const int Most = 32;

    /// <summary>Of a name, and of a value.</summary>
    public const int MostCharacters = 63;

    public static readonly ImmutableSortedDictionary<string, string> None = ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    /// <returns>Null when it is a label; else the sentence.</returns>
    public static string? WhyNot(string name, string value) => IsWord(name) && IsWord(value) ? null
        : $"'{name}={value}' is no label; NAME=VALUE is needed, each of 1 to {MostCharacters} letters, digits, dots, hyphens, underscores or slashes, such as gpu=h200.";

    /// <returns>The labels, or why they are none.</returns>
    /// <param name="texts">Each NAME=VALUE.</param>
    public static (ImmutableSortedDictionary<string, string> Labels, string? Problem) Read(IReadOnlyCollection<string> texts)
    {
        var labels = None;
        foreach (var text in texts)
        {
            var (name, value) = text.Split('=', 2) is [var before, var behind] ? (before, behind) : (text, "");
            if (WhyNot(name, value) is { } problem)
            {
                return (None, problem);
            }

            if (labels.TryGetValue(name, out var known) && known != value)
            {
                return (None, $"The label {name} is given twice, as {known} and as {value}. A worker has one value of each.");
            }

            labels = labels.SetItem(name, value);
        }

        return WhyNot(labels) is { } tooMany ? (None, tooMany) : (labels, null);
    }

    /// <returns>Null when all of them may be a worker's; else why not.</returns>
    public static string? WhyNot(ImmutableSortedDictionary<string, string> labels) =>
        labels.Select(label => WhyNot(label.Key, label.Value)).FirstOrDefault(problem => problem is not null)
        ?? (labels.Count > Most ? $"{labels.Count} labels are given; {Most} are the limit." : null);

    /// <summary>Whether a worker with these labels has every one that is asked for.</summary>
    public static bool Has(ImmutableSortedDictionary<string, string> labels, ImmutableSortedDictionary<string, string> asked)
    {
        foreach (var (name, value) in asked)
        {
            if (!labels.TryGetValue(name, out var its) || its != value)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>In the order of their names, as a person writes them; empty: none.</summary>
    public static string TextOf(IEnumerable<KeyValuePair<string, string>> labels) =>
        string.Join(',', labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    private static bool IsWord(string text) =>
        text.Length is > 0 and <= MostCharacters && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_' or '/');
}
