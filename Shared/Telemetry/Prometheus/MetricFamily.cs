using System.Collections.Concurrent;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>All series of one instrument, at most <see cref="MetricsRegistry.MaxSeriesPerInstrument"/>. Thread-safe.</summary>
internal sealed class MetricFamily(string name, string help, InstrumentKind kind, bool isObservable, double[] bounds)
{
    private readonly ConcurrentDictionary<string, MetricSeries> _series = new(StringComparer.Ordinal);
    private int _seriesCount;

    public string Name { get; } = name;

    public InstrumentKind Kind { get; } = kind;

    /// <summary>Its values are reported anew at every scrape, as totals; what is not reported any more is gone.</summary>
    public bool IsObservable { get; } = isObservable;

    /// <returns>False: the limit of series is reached, and the measurement is dropped.</returns>
    public bool TryRecord(double value, bool isDelta, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (Find(PrometheusText.LabelsOf(tags)) is not { } series)
        {
            return false;
        }
        if (Kind == InstrumentKind.Histogram)
        {
            series.Observe(value);
        }
        else if (isDelta)
        {
            series.Add(value);
        }
        else
        {
            series.Set(value);
        }
        return true;
    }

    public void ForgetObserved()
    {
        _series.Clear();
        _seriesCount = 0;
    }

    public void Write(StringBuilder builder)
    {
        var series = _series.Values.OrderBy(item => item.Labels, StringComparer.Ordinal).ToList();
        if (series.Count == 0)
        {
            return;
        }
        WriteHead(builder, Name, help, Kind);
        foreach (var item in series)
        {
            if (Kind == InstrumentKind.Histogram)
            {
                item.WriteHistogram(builder, Name);
            }
            else
            {
                item.WriteValue(builder, Name);
            }
        }
    }

    public static void WriteHead(StringBuilder builder, string name, string help, InstrumentKind kind)
    {
        builder.Append("# HELP ").Append(name).Append(' ');
        PrometheusText.Escape(builder, help, quotes: false).Append('\n');
        builder.Append("# TYPE ").Append(name).Append(' ').Append(kind.ToString().ToLowerInvariant()).Append('\n');
    }

    private MetricSeries? Find(string labels)
    {
        if (_series.TryGetValue(labels, out var known))
        {
            return known;
        }
        if (Interlocked.Increment(ref _seriesCount) > MetricsRegistry.MaxSeriesPerInstrument)
        {
            Interlocked.Decrement(ref _seriesCount);
            return null;
        }
        var added = new MetricSeries(labels, bounds);
        var series = _series.GetOrAdd(labels, added);
        if (!ReferenceEquals(series, added))
        {
            Interlocked.Decrement(ref _seriesCount);
        }
        return series;
    }
}
