namespace Orchestrator.Training.Data.Csv;

/// <summary>Mean and deviation of each input column over the training rows, by Welford's method in row order: the same bits on every machine.</summary>
internal sealed class CsvScaling(int columns)
{
    private readonly double[] _means = new double[columns];
    private readonly double[] _squares = new double[columns];
    private long _rows;

    public void Add(ReadOnlySpan<double> row)
    {
        _rows++;
        for (var i = 0; i < row.Length; i++)
        {
            var before = row[i] - _means[i];
            _means[i] += before / _rows;
            _squares[i] += before * (row[i] - _means[i]);
        }
    }

    /// <summary>To mean 0 and deviation 1; a constant column becomes 0.</summary>
    public float Scale(int column, double value)
    {
        var deviation = Math.Sqrt(_squares[column] / Math.Max(1, _rows));
        return (float)((value - _means[column]) / (deviation > 0 ? deviation : 1));
    }
}
