using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace Orchestrator.Telemetry;

/// <summary>How an instrument's values add up, and so which type Prometheus sees.</summary>
public enum InstrumentKind
{
    Unspecified = 0,

    /// <summary>Only rises; Prometheus sees its name with <c>_total</c>.</summary>
    Counter = 1,

    /// <summary>Rises and falls.</summary>
    Gauge = 2,

    Histogram = 3,
}

/// <summary>One instrument as everybody knows it: dashboards, alerts, tests and the code that records it.</summary>
/// <param name="Name">Base name in Prometheus' form, without the <c>_total</c> of a counter; ends in the base unit.</param>
/// <param name="Unit">UCUM, as System.Diagnostics.Metrics has it: s, By, {step}.</param>
/// <param name="Tags">The only tag names it is recorded with.</param>
/// <param name="Buckets">Upper bounds of a histogram, rising; empty for the others.</param>
public sealed record InstrumentSpec(
    string Name, InstrumentKind Kind, string Unit, string Help, ImmutableArray<string> Tags, ImmutableArray<double> Buckets)
{
    /// <summary>The name that queries use: of a counter with <c>_total</c>, of a histogram the stem of <c>_bucket</c>, <c>_sum</c> and <c>_count</c>.</summary>
    public string PrometheusName => Kind == InstrumentKind.Counter ? Name + "_total" : Name;

    public Counter<long> CreateCounter(Meter meter) => Checked(InstrumentKind.Counter, meter.CreateCounter<long>(Name, Unit, Help));

    public Histogram<double> CreateHistogram(Meter meter) => Checked(
        InstrumentKind.Histogram, meter.CreateHistogram(Name, Unit, Help, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Buckets }));

    public ObservableGauge<double> CreateGauge(Meter meter, Func<IEnumerable<Measurement<double>>> observe) =>
        Checked(InstrumentKind.Gauge, meter.CreateObservableGauge(Name, observe, Unit, Help));

    public ObservableCounter<long> CreateObservableCounter(Meter meter, Func<IEnumerable<Measurement<long>>> observe) =>
        Checked(InstrumentKind.Counter, meter.CreateObservableCounter(Name, observe, Unit, Help));

    private T Checked<T>(InstrumentKind kind, T instrument) =>
        kind == Kind ? instrument : throw new InvalidOperationException($"{Name} is a {Kind}, and {kind} was asked for.");
}
