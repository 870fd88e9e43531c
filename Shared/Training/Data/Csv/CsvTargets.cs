using System.Globalization;
using Orchestrator.Core.Jobs;

namespace Orchestrator.Training.Data.Csv;

/// <summary>Finds out, row by row, whether a target column holds classes or values, and numbers the classes.</summary>
/// <remarks>
/// Classes are the distinct contents of the column over the whole file: whole numbers in numeric order, else ordinally by text; so
/// 0..K-1 keep their numbers. With `auto`, a column is classes when every target is a text or a whole number and there are at most
/// <see cref="MaxAutoClasses"/> of them.
/// </remarks>
internal sealed class CsvTargets(CsvDataSpec spec)
{
    /// <summary>Ten digits, 26 letters; a whole-numbered column with more contents than this is rather a count.</summary>
    public const int MaxAutoClasses = 32;

    private const int MaxClasses = 10_000;

    private readonly SortedDictionary<string, double?> _contents = new(StringComparer.Ordinal);
    private bool _isWhole = true;
    private (string Text, long Line)? _firstText;
    private Dictionary<string, long>? _classes;

    /// <summary>Number of classes; 0 for values. Set by <see cref="Decide"/>.</summary>
    public int Classes => _classes?.Count ?? 0;

    public void Add(CsvReader reader, int column)
    {
        var isNumber = reader.TryNumber(column, out var value);
        if (!isNumber)
        {
            _firstText ??= (reader.Text(column), reader.RecordLine);
        }

        _isWhole &= isNumber && value == Math.Floor(value);
        if (spec.TargetKind != "value" && _contents.Count <= MaxClasses)
        {
            _contents.TryAdd(reader.Text(column), isNumber ? value : null);
        }
    }

    /// <summary>Called after the last row.</summary>
    /// <exception cref="DataException">The column fits neither, or not what the job file says it is.</exception>
    public void Decide()
    {
        var isClasses = spec.TargetKind switch
        {
            "classes" => true,
            "value" => false,
            "auto" => (_isWhole || _firstText is not null) && _contents.Count <= MaxAutoClasses,
            _ => throw new DataException($"data.targetKind is '{spec.TargetKind}'; auto, classes or value was expected."),
        };
        if (isClasses && _contents.Count > MaxClasses)
        {
            throw new DataException($"{spec.Path}: column '{spec.Target}' has more than {MaxClasses} different contents, too many for classes. Set data.targetKind: value.");
        }

        if (!isClasses && _firstText is var (text, line))
        {
            throw new DataException($"{spec.Path}, line {line}: column '{spec.Target}' holds '{text}'; a finite number was expected of a target value. " +
                "Correct the row, or set data.targetKind: classes.");
        }

        if (isClasses)
        {
            // Two spellings of one number (1 and 1.0) are one class.
            var keys = _isWhole
                ? _contents.Values.Select(v => v!.Value).Distinct().Order().Select(Key)
                : _contents.Keys;
            _classes = keys.Select((key, i) => (key, i)).ToDictionary(p => p.key, p => (long)p.i);
        }
    }

    public long ClassOf(CsvReader reader, int column) =>
        _classes![_isWhole && reader.TryNumber(column, out var value) ? Key(value) : reader.Text(column)];

    // Adding zero makes 0 of -0.
    private static string Key(double value) => (value + 0.0).ToString("R", CultureInfo.InvariantCulture);
}
