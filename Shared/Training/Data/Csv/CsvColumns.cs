using System.Text;
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Data.Csv;

/// <summary>Which columns of a CSV file are inputs and which is the target, found by name in the header line.</summary>
internal sealed class CsvColumns
{
    private CsvColumns(string[] names, int target, int[] features)
    {
        Names = names;
        Target = target;
        Features = features;
    }

    public string[] Names { get; }

    public int Target { get; }

    public int[] Features { get; }

    /// <param name="reader">At the start of the file; left after the header line.</param>
    /// <exception cref="DataException">There is no header, or a column of the job file is not in it.</exception>
    public static CsvColumns Read(CsvReader reader, CsvDataSpec spec)
    {
        if (!reader.Next())
        {
            throw new DataException($"{spec.Path} is empty; a header line with the names of the columns was expected.");
        }

        var names = Enumerable.Range(0, reader.FieldCount).Select(reader.Text).ToArray();
        var target = Find(spec, names, spec.Target, "data.target");
        var features = spec.Features.IsDefaultOrEmpty
            ? [.. Enumerable.Range(0, names.Length).Where(i => i != target)]
            : spec.Features.Select(f => Find(spec, names, f, "data.features")).ToArray();
        if (features.Length == 0)
        {
            throw new DataException($"{spec.Path} has the target column '{spec.Target}' and no other; at least one input column is needed. " +
                $"Check data.separator, which is '{spec.Separator}'.");
        }

        return new CsvColumns(names, target, features);
    }

    /// <summary>The first byte after a byte-order mark.</summary>
    public static long FirstByte(FileSet files)
    {
        var mark = Encoding.UTF8.Preamble;
        if (files.LengthOf(0) < mark.Length)
        {
            return 0;
        }

        Span<byte> head = stackalloc byte[mark.Length];
        files.Read(0, 0, head);
        return head.SequenceEqual(mark) ? mark.Length : 0;
    }

    private static int Find(CsvDataSpec spec, string[] names, string wanted, string key)
    {
        var found = Enumerable.Range(0, names.Length).Where(i => names[i] == wanted).ToArray();
        return found.Length switch
        {
            1 => found[0],
            0 => throw new DataException($"{spec.Path} has no column '{wanted}' ({key}); its header, split at '{spec.Separator}', names {Listed(names)}. Correct the name, or data.separator."),
            _ => throw new DataException($"{spec.Path} has {found.Length} columns named '{wanted}' ({key}); give each its own name in the header."),
        };
    }

    private static string Listed(string[] names) => string.Join(", ", names.Take(20)) + (names.Length > 20 ? $" and {names.Length - 20} more" : "");
}
