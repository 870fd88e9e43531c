using System.Globalization;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>The running value of one instrument with one set of labels. Thread-safe.</summary>
internal sealed class MetricSeries(string labels, double[] bounds)
{
    private readonly Lock _lock = new();
    private readonly long[] _counts = bounds.Length == 0 ? [] : new long[bounds.Length + 1];
    private double _value;

    /// <summary>As <see cref="PrometheusText.LabelsOf"/> gives them.</summary>
    public string Labels { get; } = labels;

    public void Add(double amount)
    {
        lock (_lock)
        {
            _value += amount;
        }
    }

    public void Set(double value)
    {
        lock (_lock)
        {
            _value = value;
        }
    }

    /// <summary>Adds one observation to a histogram; a bound is part of its own bucket (le: less or equal).</summary>
    public void Observe(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && !(value <= bounds[bucket]))
        {
            bucket++;
        }
        lock (_lock)
        {
            _counts[bucket]++;
            _value += value;
        }
    }

    public void WriteValue(StringBuilder builder, string name)
    {
        double value;
        lock (_lock)
        {
            value = _value;
        }
        WriteLine(builder, name, Labels, PrometheusText.Number(value));
    }

    /// <summary>The buckets, which are cumulative, then sum and count, all of one moment.</summary>
    public void WriteHistogram(StringBuilder builder, string name)
    {
        long[] counts;
        double sum;
        lock (_lock)
        {
            counts = [.. _counts];
            sum = _value;
        }
        long total = 0;
        for (var bucket = 0; bucket < counts.Length; bucket++)
        {
            total += counts[bucket];
            var bound = PrometheusText.Number(bucket < bounds.Length ? bounds[bucket] : double.PositiveInfinity);
            var separator = Labels.Length == 0 ? "" : ",";
            WriteLine(builder, name + "_bucket", $"{Labels}{separator}le=\"{bound}\"", Text(total));
        }
        WriteLine(builder, name + "_sum", Labels, PrometheusText.Number(sum));
        WriteLine(builder, name + "_count", Labels, Text(total));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static void WriteLine(StringBuilder builder, string name, string labels, string value)
    {
        builder.Append(name);
        if (labels.Length > 0)
        {
            builder.Append('{').Append(labels).Append('}');
        }
        builder.Append(' ').Append(value).Append('\n');
    }
}
