using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace Orchestrator.Telemetry.Prometheus;

/// <summary>Listens to the program's instruments and writes their values in Prometheus' text format.</summary>
/// <remarks>
/// Create it before the first measurement: what was recorded earlier is not in it. Counters and histograms add up from then on;
/// observable instruments are asked at each scrape. Families stand in ordinal order of names, series in ordinal order of labels.
/// Thread-safe; recording takes one short lock per series, and scrapes wait for each other.
/// </remarks>
public sealed class MetricsRegistry : IDisposable
{
    /// <summary>A tag that grows without bound must not eat the process, nor Prometheus: no board shows a thousand lines of one instrument.</summary>
    public const int MaxSeriesPerInstrument = 1000;

    // For histograms whose instrument advises none: seconds, from a millisecond to a minute.
    private static readonly double[] DefaultBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60];

    private readonly ConcurrentDictionary<string, MetricFamily> _families = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly Lock _scrape = new();
    private long _droppedMeasurements;
    private long _failedObservations;

    /// <param name="scope">Only meters of this <see cref="IMeterFactory"/> are heard, so that two hosts in one process stay apart; null: any.</param>
    /// <param name="meterName">Only meters of this name are heard.</param>
    public MetricsRegistry(IMeterFactory? scope = null, string meterName = InstrumentNames.Meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == meterName && (scope is null || ReferenceEquals(instrument.Meter.Scope, scope)))
            {
                listener.EnableMeasurementEvents(instrument, FamilyOf(instrument));
            }
        };
        _listener.SetMeasurementEventCallback<byte>((instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<short>((instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<float>((instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, family) => Record(instrument, value, tags, family));
        _listener.SetMeasurementEventCallback<decimal>((instrument, value, tags, family) => Record(instrument, (double)value, tags, family));
        _listener.Start();
    }

    /// <summary>Everything as one page of text, ending in a newline.</summary>
    public string Write()
    {
        lock (_scrape)
        {
            Observe();
            var builder = new StringBuilder();
            foreach (var family in _families.Values.OrderBy(family => family.Name, StringComparer.Ordinal))
            {
                family.Write(builder);
            }
            WriteOwn(builder, InstrumentNames.DroppedMeasurements, Interlocked.Read(ref _droppedMeasurements));
            WriteOwn(builder, InstrumentNames.FailedObservations, Interlocked.Read(ref _failedObservations));
            return builder.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Observe()
    {
        foreach (var family in _families.Values.Where(family => family.IsObservable))
        {
            family.ForgetObserved();
        }
        try
        {
            _listener.RecordObservableInstruments();
        }
        catch (AggregateException error)
        {
            // One instrument that throws must not hide the others; the runtime has asked them all before it throws this.
            Interlocked.Add(ref _failedObservations, error.InnerExceptions.Count);
        }
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
    {
        // Observable counters report totals; counters and up-down counters report what was added.
        var isDelta = !instrument.IsObservable && !IsGauge(instrument);
        if (state is not MetricFamily family || !family.TryRecord(value, isDelta, tags))
        {
            Interlocked.Increment(ref _droppedMeasurements);
        }
    }

    /// <summary>Null when another kind of instrument has the name: its measurements are counted as dropped.</summary>
    private MetricFamily? FamilyOf(Instrument instrument)
    {
        var kind = KindOf(instrument);
        var name = PrometheusText.NameOf(instrument.Name, instrument.Unit, kind);
        var bounds = kind == InstrumentKind.Histogram ? BoundsOf(instrument) : [];
        var family = _families.GetOrAdd(name, _ => new MetricFamily(name, instrument.Description ?? "", kind, instrument.IsObservable, bounds));
        return family.Kind == kind && family.IsObservable == instrument.IsObservable ? family : null;
    }

    private static InstrumentKind KindOf(Instrument instrument)
    {
        var type = GenericTypeOf(instrument);
        return type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? InstrumentKind.Counter
            : type == typeof(Histogram<>) ? InstrumentKind.Histogram
            : InstrumentKind.Gauge;
    }

    private static bool IsGauge(Instrument instrument) => GenericTypeOf(instrument) == typeof(Gauge<>);

    private static Type? GenericTypeOf(Instrument instrument) =>
        instrument.GetType() is { IsGenericType: true } type ? type.GetGenericTypeDefinition() : null;

    private static double[] BoundsOf(Instrument instrument)
    {
        double[]? advised = instrument switch
        {
            Histogram<double> histogram => histogram.Advice?.HistogramBucketBoundaries?.ToArray(),
            Histogram<float> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray(),
            Histogram<long> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray(),
            Histogram<int> histogram => histogram.Advice?.HistogramBucketBoundaries?.Select(bound => (double)bound).ToArray(),
            _ => null,
        };
        return advised is { Length: > 0 } ? advised : DefaultBounds;
    }

    private static void WriteOwn(StringBuilder builder, InstrumentSpec spec, long value)
    {
        MetricFamily.WriteHead(builder, spec.PrometheusName, spec.Help, spec.Kind);
        builder.Append(spec.PrometheusName).Append(' ').Append(PrometheusText.Number(value)).Append('\n');
    }
}
