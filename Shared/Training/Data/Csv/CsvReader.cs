using System.Globalization;
using System.Text;
using Orchestrator.Training.Data.Files;

namespace Orchestrator.Training.Data.Csv;

/// <summary>Reads the records of a CSV file in blocks, from any record's first byte on (RFC 4180; lines end with LF or CRLF).</summary>
/// <remarks>Fields may be quoted; a quoted field may hold separators, line ends and doubled quotes. Empty lines are passed over.</remarks>
internal sealed class CsvReader
{
    /// <summary>A record beyond this is taken for a quote that was never closed.</summary>
    private const int MaxRecordBytes = 1 << 20;

    private readonly FileSet _files;
    private readonly byte _separator;
    private readonly List<(int Start, int Length, bool IsQuoted)> _fields = [];
    private byte[] _buffer;
    private long _bufferOffset;
    private int _bufferLength;
    private int _next;
    private long _nextLine;

    /// <param name="offset">First byte of a record.</param>
    /// <param name="line">The line it stands on, from 1.</param>
    /// <param name="blockBytes">Bytes read at a time: large for a whole pass, small for a single row.</param>
    public CsvReader(FileSet files, char separator, long offset, long line, int blockBytes)
    {
        _files = files;
        _separator = (byte)separator;
        _buffer = new byte[blockBytes];
        _bufferOffset = offset;
        _nextLine = line;
    }

    /// <summary>Where the current record begins.</summary>
    public long RecordOffset { get; private set; }

    /// <summary>The line on which the current record begins, from 1.</summary>
    public long RecordLine { get; private set; }

    public int FieldCount => _fields.Count;

    private string Path => _files.PathOf(0);

    /// <summary>Goes to the next record; false at the end of the file.</summary>
    /// <exception cref="DataException">A quote is not closed, or stands in the middle of a field.</exception>
    public bool Next()
    {
        SkipEmptyLines();
        RecordOffset = _bufferOffset + _next;
        RecordLine = _nextLine;
        if (At(0) < 0)
        {
            return false;
        }

        _fields.Clear();
        var at = 0;
        while (ReadField(ref at))
        {
        }

        _next += at;
        _nextLine++;
        return true;
    }

    /// <summary>A field's text, without its quotes.</summary>
    public string Text(int field)
    {
        var (start, length, isQuoted) = _fields[field];
        var text = Encoding.UTF8.GetString(_buffer, RecordStart + start, length);
        return isQuoted ? text.Replace("\"\"", "\"", StringComparison.Ordinal) : text.Trim();
    }

    /// <summary>A field as a finite number.</summary>
    /// <returns>False when it is no number, is empty, or is not finite.</returns>
    public bool TryNumber(int field, out double value)
    {
        var (start, length, _) = _fields[field];
        return double.TryParse(_buffer.AsSpan(RecordStart + start, length), NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    private int RecordStart => (int)(RecordOffset - _bufferOffset);

    // One field and what ends it; false when that is the end of the record.
    private bool ReadField(ref int at)
    {
        var start = at;
        if (At(at) == '"')
        {
            ReadQuoted(ref at);
            _fields.Add((start + 1, at - start - 2, true));
            if (At(at) is var after && after >= 0 && after != _separator && after is not ('\r' or '\n'))
            {
                throw new DataException($"{Path}, line {_nextLine}: after the closing quote of field {_fields.Count} comes '{(char)after}'; a separator '{(char)_separator}' or the " +
                    "end of the line was expected. Double each quote that belongs to the text.");
            }
        }
        else
        {
            while (At(at) is var b && b >= 0 && b != _separator && b is not ('\r' or '\n'))
            {
                at++;
            }

            _fields.Add((start, at - start, false));
        }

        var end = At(at);
        at += end < 0 ? 0 : end == '\r' && At(at + 1) == '\n' ? 2 : 1;
        return end == _separator;
    }

    private void ReadQuoted(ref int at)
    {
        var line = _nextLine;
        for (at++; ; at++)
        {
            var b = At(at);
            if (b < 0 || at > MaxRecordBytes)
            {
                throw new DataException($"{Path}, line {line}: the quote that opens field {_fields.Count + 1} is not closed within " +
                    (b < 0 ? "the file" : $"{MaxRecordBytes} bytes") + ". Close it, or double each quote that belongs to the text.");
            }

            _nextLine += b == '\n' ? 1 : 0;
            if (b == '"' && At(++at) != '"')
            {
                return;
            }
        }
    }

    private void SkipEmptyLines()
    {
        while (At(0) is '\r' or '\n')
        {
            _nextLine += _buffer[_next] == '\n' ? 1 : 0;
            _next++;
        }
    }

    // The byte `at` places after the next record's start; -1 at the end of the file. Moves the record to the buffer's front when it must read on.
    private int At(int at)
    {
        while (_next + at >= _bufferLength)
        {
            if (!ReadOn())
            {
                return -1;
            }
        }

        return _buffer[_next + at];
    }

    private bool ReadOn()
    {
        var left = _files.LengthOf(0) - _bufferOffset - _bufferLength;
        if (left <= 0)
        {
            return false;
        }

        var kept = _bufferLength - _next;
        if (kept == _buffer.Length)
        {
            if (kept > MaxRecordBytes)
            {
                throw new DataException($"{Path}, line {_nextLine}: the record is longer than {MaxRecordBytes} bytes. Check the file and data.separator.");
            }

            Array.Resize(ref _buffer, kept * 2);
        }

        Array.Copy(_buffer, _next, _buffer, 0, kept);
        _bufferOffset += _next;
        (_next, _bufferLength) = (0, kept);
        var take = (int)Math.Min(left, _buffer.Length - kept);
        _files.Read(0, _bufferOffset + kept, _buffer.AsSpan(kept, take));
        _bufferLength += take;
        return true;
    }
}
