using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Data.Csv;

/// <summary>Where the rows of a CSV file begin: every <see cref="RowsPerEntry"/>th one, so an entry costs one byte a row.</summary>
internal sealed class CsvIndex(FileSet files, char separator)
{
    public const int RowsPerEntry = 16;

    /// <summary>Usually holds the rows of one entry.</summary>
    private const int BlockBytes = 4096;

    private readonly List<(long Offset, long Line)> _entries = [];

    public long Rows { get; private set; }

    /// <summary>Adds the reader's record as the next row.</summary>
    public void Add(CsvReader reader)
    {
        if (Rows % RowsPerEntry == 0)
        {
            _entries.Add((reader.RecordOffset, reader.RecordLine));
        }

        Rows++;
    }

    /// <summary>A reader that stands at the row.</summary>
    public CsvReader At(long row)
    {
        var (offset, line) = _entries[checked((int)(row / RowsPerEntry))];
        var reader = new CsvReader(files, separator, offset, line, BlockBytes);
        for (var skip = row % RowsPerEntry; skip >= 0; skip--)
        {
            reader.Next();
        }

        return reader;
    }
}
