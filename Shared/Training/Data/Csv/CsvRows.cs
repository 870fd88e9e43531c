// N: samples of a batch; F: input columns.
using Orchestrator.Core.Jobs;
using Orchestrator.Training.Data.Files;
using static TorchSharp.torch;

namespace Orchestrator.Training.Data.Csv;

/// <summary>The rows of a CSV file: inputs [N, F] float32, standardised; targets [N] int64 for classes or [N, 1] float32 for values.</summary>
/// <remarks>
/// Opening reads the file three times in blocks: to hash it, to check and index its rows, and to take the mean and deviation of the
/// training part's inputs (never the held-out part's). Targets are not scaled: the loss is in the target's own unit.
/// </remarks>
internal sealed class CsvRows : IDataSet
{
    private const int PassBlockBytes = 1 << 18;

    private readonly CsvDataSpec _spec;
    private readonly FileSet _files;
    private readonly CsvColumns _columns;
    private readonly CsvIndex _index;
    private readonly CsvTargets _targets;
    private readonly CsvScaling _scaling;
    private readonly HeldOutSplit _split;

    private CsvRows(CsvDataSpec spec, FileSet files)
    {
        _spec = spec;
        _files = files;
        _index = new CsvIndex(files, spec.Separator);
        _targets = new CsvTargets(spec);
        var reader = Start();
        _columns = CsvColumns.Read(reader, spec);
        Index(reader);
        _split = HeldOutSplit.ByShare(_index.Rows, spec.ValidationShare);
        _scaling = new CsvScaling(_columns.Features.Length);
        Measure();
    }

    public long Count => _index.Rows;

    /// <exception cref="DataException">The file is missing, a column is not there, or a row is not what the header promises; with its line.</exception>
    public static DataParts Open(CsvDataSpec spec)
    {
        if (spec.Separator is > (char)127 or '"' or '\r' or '\n')
        {
            throw new DataException($"data.separator is '{spec.Separator}'; one ASCII character other than a quote or a line end was expected.");
        }

        var files = new FileSet([new DataFile(Path.GetFileName(spec.Path), spec.Path)]);
        try
        {
            var whole = new CsvRows(spec, files);
            return new DataParts(
                new SplitPart(whole, whole._split, isHeldOut: false),
                whole._split.HeldOut > 0 ? new SplitPart(whole, whole._split, isHeldOut: true) : null,
                files.Sha256,
                new SampleShape([whole._columns.Features.Length], whole._targets.Classes));
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    public Batch Read(ReadOnlySpan<long> ids, SampleStreams streams)
    {
        var features = _columns.Features.Length;
        var inputs = new float[ids.Length * features];
        var classes = new long[ids.Length];
        var values = new float[ids.Length];
        Span<double> row = features <= 256 ? stackalloc double[features] : new double[features];
        for (var n = 0; n < ids.Length; n++)
        {
            var reader = _index.At(ids[n]);
            Parse(reader, row);
            for (var i = 0; i < features; i++)
            {
                inputs[(n * features) + i] = _scaling.Scale(i, row[i]);
            }

            if (_targets.Classes > 0)
            {
                classes[n] = _targets.ClassOf(reader, _columns.Target);
            }
            else if (reader.TryNumber(_columns.Target, out var value))
            {
                values[n] = (float)value;
            }
        }

        long[] inputShape = [ids.Length, features];
        long[] classShape = [ids.Length];
        long[] valueShape = [ids.Length, 1];
        return new Batch(tensor(inputs, inputShape), _targets.Classes > 0 ? tensor(classes, classShape) : tensor(values, valueShape), ids.Length);
    }

    public void Dispose() => _files.Dispose();

    private CsvReader Start() => new(_files, _spec.Separator, CsvColumns.FirstByte(_files), 1, PassBlockBytes);

    private void Index(CsvReader reader)
    {
        var row = new double[_columns.Features.Length];
        while (reader.Next())
        {
            if (reader.FieldCount != _columns.Names.Length)
            {
                throw new DataException($"{_spec.Path}, line {reader.RecordLine} has {reader.FieldCount} fields; the header has {_columns.Names.Length}. Correct the row, or data.separator.");
            }

            Parse(reader, row);
            _targets.Add(reader, _columns.Target);
            _index.Add(reader);
        }

        if (_index.Rows == 0)
        {
            throw new DataException($"{_spec.Path} has a header and no rows; at least one was expected.");
        }

        _targets.Decide();
    }

    private void Measure()
    {
        var row = new double[_columns.Features.Length];
        var reader = Start();
        reader.Next(); // the header
        for (long i = 0; reader.Next(); i++)
        {
            if (!_split.IsHeldOut(i))
            {
                Parse(reader, row);
                _scaling.Add(row);
            }
        }
    }

    private void Parse(CsvReader reader, Span<double> row)
    {
        for (var i = 0; i < row.Length; i++)
        {
            if (!reader.TryNumber(_columns.Features[i], out row[i]))
            {
                var found = reader.Text(_columns.Features[i]);
                throw new DataException($"{_spec.Path}, line {reader.RecordLine}: column '{_columns.Names[_columns.Features[i]]}' " +
                    (found.Length == 0 ? "is empty" : $"holds '{found}'") + "; a finite number was expected. Correct the row, or name only columns of numbers in data.features.");
            }
        }
    }
}
