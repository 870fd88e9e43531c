using System.Collections.Immutable;
using System.Globalization;

namespace Orchestrator.Coordinator.Host.Jobs;

/// <summary>Reads one mapping of the job file key by key, typed and with ranges. What is wrong goes to the errors and the default takes its place.</summary>
/// <remarks>Keys that were never asked for are unknown keys; <see cref="JobKeys"/> reports them once the whole file was read.</remarks>
public sealed class SectionReader
{
    private readonly JobNode.Mapping _mapping;
    private readonly JobErrors _errors;
    private readonly JobKeys _keys;
    private readonly string _path;

    public SectionReader(JobNode? node, string path, string origin, JobErrors errors, JobKeys keys)
    {
        (_path, _errors, _keys) = (path, errors, keys);
        if (node is not (null or JobNode.Mapping or JobNode.Scalar { IsNull: true }))
        {
            errors.Add(node.Origin, $"{(path.Length == 0 ? "The job file" : path)} is {node.Describe()}; a group of keys is needed, such as {Example(path)}.");
        }

        _mapping = node as JobNode.Mapping ?? new JobNode.Mapping(node?.Origin ?? origin, []);
        IsPresent = node is JobNode.Mapping;
        keys.Opened(_mapping, path);
    }

    /// <summary>The section was written in the file or set by an option.</summary>
    public bool IsPresent { get; }

    /// <summary>Where the section begins.</summary>
    public string Origin => _mapping.Origin;

    /// <summary>Said of an unknown key: whose key it is not. Such as "model kind cnn".</summary>
    public void Describe(string owner) => _keys.Describe(_mapping, owner);

    /// <summary>Fields of the section's record that this kind does not use: known keys in a resolved job, unknown ones in a file.</summary>
    public void UnusedByKind(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (_keys.IsResolved)
            {
                _keys.Known(_mapping, _path, key);
            }
        }
    }

    public bool Has(string key) => ValueOf(key) is not null;

    /// <summary>Where the key was written; the section's own place when it was not.</summary>
    public string OriginOf(string key) => ValueOf(key)?.Origin ?? Origin;

    public void Fail(string key, string sentence) => _errors.Add(OriginOf(key), sentence);

    public SectionReader Section(string key) => new(ValueOf(key), PathOf(key), _mapping.Find(key)?.Origin ?? Origin, _errors, _keys);

    public long Whole(string key, long fallback, long min, long max) => OptionalWhole(key, min, max) ?? fallback;

    public int Whole(string key, int fallback, int min, int max) => (int)(OptionalWhole(key, min, max) ?? fallback);

    public long? OptionalWhole(string key, long min, long max) => ValueOf(key) is { } node ? ReadWhole(node, PathOf(key), min, max) : null;

    public double Number(string key, double fallback, NumberRange range) => OptionalNumber(key, range) ?? fallback;

    public double? OptionalNumber(string key, NumberRange range) => ValueOf(key) is { } node ? ReadNumber(node, PathOf(key), range) : null;

    public bool Flag(string key, bool fallback)
    {
        if (ValueOf(key) is not { } node)
        {
            return fallback;
        }

        switch (node)
        {
            case JobNode.Scalar { IsQuoted: false, Text: "true" }:
                return true;
            case JobNode.Scalar { IsQuoted: false, Text: "false" }:
                return false;
            default:
                _errors.Add(node.Origin, $"{PathOf(key)} is {node.Describe()}; true or false is needed.");
                return fallback;
        }
    }

    /// <summary>One of a closed set of words.</summary>
    public string Choice(string key, string fallback, params ReadOnlySpan<string> choices)
    {
        if (Text(key) is not { } text)
        {
            return fallback;
        }

        if (choices.Contains(text))
        {
            return text;
        }

        var known = choices.ToArray();
        var nearest = NearestKey.Find(text, known) is { } near ? $" Did you mean '{near}'?" : "";
        _errors.Add(OriginOf(key), $"{PathOf(key)} is '{text}'; one of {string.Join(", ", known)} is needed.{nearest}");
        return fallback;
    }

    /// <returns>Null when the key is absent or not a text.</returns>
    public string? Text(string key)
    {
        switch (ValueOf(key))
        {
            case null:
                return null;
            case JobNode.Scalar { Text.Length: > 0 and <= 4096 } scalar when !scalar.Text.Contains('\0', StringComparison.Ordinal):
                return scalar.Text;
            case var node:
                _errors.Add(node.Origin, $"{PathOf(key)} is {node.Describe()}; a text of 1 to 4096 characters is needed.");
                return null;
        }
    }

    /// <returns>Null when the key is absent; then the caller has a default.</returns>
    public ImmutableArray<int>? Wholes(string key, int min, int max, int minCount, int maxCount) =>
        ListOf(key, minCount, maxCount, (node, path) => (int?)ReadWhole(node, path, min, max));

    /// <inheritdoc cref="Wholes"/>
    public ImmutableArray<double>? Numbers(string key, NumberRange range, int minCount, int maxCount) =>
        ListOf(key, minCount, maxCount, (node, path) => ReadNumber(node, path, range));

    /// <inheritdoc cref="Wholes"/>
    public ImmutableArray<string>? Texts(string key, int minCount, int maxCount)
    {
        var items = ListOf<Word>(key, minCount, maxCount, (node, path) =>
        {
            if (node is JobNode.Scalar { Text.Length: > 0 and <= 4096 } scalar && !scalar.Text.Contains('\0', StringComparison.Ordinal))
            {
                return new Word(scalar.Text);
            }

            _errors.Add(node.Origin, $"{path} is {node.Describe()}; a text is needed.");
            return null;
        });
        return items is { } words ? [.. words.Select(word => word.Text)] : null;
    }

    /// <summary>Keys of the user's own, to texts.</summary>
    public ImmutableSortedDictionary<string, string> FreeTexts(string key)
    {
        var section = Section(key);
        var texts = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var entry in section._mapping.Entries)
        {
            _ = section.ValueOf(entry.Key);
            if (entry.Value is JobNode.Scalar scalar)
            {
                texts[entry.Key] = scalar.Text;
            }
            else
            {
                _errors.Add(entry.Origin, $"{section.PathOf(entry.Key)} is {entry.Value.Describe()}; a single value is needed.");
            }
        }

        return texts.ToImmutable();
    }

    private readonly record struct Word(string Text);

    /// <summary>The value of a key, null when it is absent or null. Asking for a key makes it a known one.</summary>
    private JobNode? ValueOf(string key)
    {
        _keys.Known(_mapping, _path, key);
        return _mapping.Find(key)?.Value is { } node and not JobNode.Scalar { IsNull: true } ? node : null;
    }

    private string PathOf(string key) => _path.Length == 0 ? key : $"{_path}.{key}";

    private ImmutableArray<T>? ListOf<T>(string key, int minCount, int maxCount, Func<JobNode, string, T?> read)
        where T : struct
    {
        if (ValueOf(key) is not { } node)
        {
            return null;
        }

        if (node is not JobNode.Sequence list || list.Items.Length < minCount || list.Items.Length > maxCount)
        {
            var count = minCount == maxCount ? $"{minCount}" : $"{minCount} to {maxCount}";
            _errors.Add(node.Origin, $"{PathOf(key)} is {node.Describe()}; a list of {count} is needed, in square brackets.");
            return null;
        }

        return [.. list.Items.Select((item, i) => read(item, $"{PathOf(key)}[{i}]")).Where(item => item is not null).Select(item => item!.Value)];
    }

    private long? ReadWhole(JobNode node, string path, long min, long max)
    {
        if (node is JobNode.Scalar { IsQuoted: false } scalar
            && long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max)
        {
            return value;
        }

        _errors.Add(node.Origin, $"{path} is {node.Describe()}; a whole number from {min} to {max} is needed{QuoteCure(node)}.");
        return null;
    }

    private double? ReadNumber(JobNode node, string path, NumberRange range)
    {
        if (node is JobNode.Scalar { IsQuoted: false } scalar
            && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && double.IsFinite(value) && range.Contains(value))
        {
            return value;
        }

        _errors.Add(node.Origin, $"{path} is {node.Describe()}; a number {range} is needed{QuoteCure(node)}.");
        return null;
    }

    private static string QuoteCure(JobNode node) =>
        node is JobNode.Scalar { IsQuoted: true } scalar && double.TryParse(scalar.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? ", written without quotes"
            : "";

    private static string Example(string path) => path switch
    {
        "model" => "{kind: mlp}",
        "data" => "{kind: text, paths: [\"**/*.md\"]}",
        "training" => "{steps: 300}",
        "" => "'training:' and its values below it",
        _ => "{key: value}",
    };
}
