using System.Diagnostics.Metrics;
using Orchestrator.Telemetry.Prometheus;

namespace Orchestrator.Telemetry.Tests.Prometheus;

public class MetricsRegistryTests : IDisposable
{
    private const string Own = """
        # HELP orchestrator_metrics_dropped_measurements_total Measurements that no series took: the instrument is at its limit of series, or its name is taken by another kind.
        # TYPE orchestrator_metrics_dropped_measurements_total counter
        orchestrator_metrics_dropped_measurements_total {0}
        # HELP orchestrator_metrics_failed_observations_total Observable instruments that threw while they were scraped.
        # TYPE orchestrator_metrics_failed_observations_total counter
        orchestrator_metrics_failed_observations_total {1}

        """;

    private readonly TestMeterFactory _meters = new();
    private readonly Meter _meter;
    private readonly MetricsRegistry _registry;

    public MetricsRegistryTests()
    {
        _registry = new MetricsRegistry(_meters);
        _meter = _meters.Create(InstrumentNames.Meter);
    }

    public void Dispose()
    {
        _registry.Dispose();
        _meters.Dispose();
    }

    [Fact]
    public void Write_EveryKindOfInstrument_IsTheExactText()
    {
        var steps = _meter.CreateCounter<long>("b_steps", "{step}", "Steps \\ of\nall.");
        steps.Add(2);
        steps.Add(3);
        var balance = _meter.CreateUpDownCounter<int>("a.balance");
        balance.Add(5, Tag("side", "left"));
        balance.Add(-7, Tag("side", "left"));
        balance.Add(1, Tag("side", "a \"b\" \\ c\nd"));
        var temperature = _meter.CreateGauge<double>("c-temperature", "Cel", "Degrees.");
        temperature.Record(1.5);
        temperature.Record(double.NaN);
        var seconds = _meter.CreateHistogram("d_wait", "s", "Waits.", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2.5] });
        seconds.Record(0.5, Tag("phase", "x"));
        seconds.Record(0.75, Tag("phase", "x"));
        seconds.Record(9, Tag("phase", "x"));
        _meter.CreateObservableGauge("e_share", () => 0.25, "1");
        _meter.CreateObservableCounter("f_sent", () => new Measurement<long>(1234, Tag("z", "1"), Tag("a", "2"), Tag("none", null)), "By", "Sent.");

        Assert.Equal(
            """
            # HELP a_balance 
            # TYPE a_balance gauge
            a_balance{side="a \"b\" \\ c\nd"} 1
            a_balance{side="left"} -2
            # HELP b_steps_total Steps \\ of\nall.
            # TYPE b_steps_total counter
            b_steps_total 5
            # HELP c_temperature Degrees.
            # TYPE c_temperature gauge
            c_temperature NaN
            # HELP d_wait_seconds Waits.
            # TYPE d_wait_seconds histogram
            d_wait_seconds_bucket{phase="x",le="0.5"} 1
            d_wait_seconds_bucket{phase="x",le="1"} 2
            d_wait_seconds_bucket{phase="x",le="2.5"} 2
            d_wait_seconds_bucket{phase="x",le="+Inf"} 3
            d_wait_seconds_sum{phase="x"} 10.25
            d_wait_seconds_count{phase="x"} 3
            # HELP e_share_ratio 
            # TYPE e_share_ratio gauge
            e_share_ratio 0.25
            # HELP f_sent_bytes_total Sent.
            # TYPE f_sent_bytes_total counter
            f_sent_bytes_total{a="2",z="1"} 1234

            """ + OwnMetrics(0, 0), _registry.Write());
    }

    [Fact]
    public void Write_ObservedSeriesThatIsNotReportedAnyMore_IsGone()
    {
        var runs = new List<string> { "a", "b" };
        _meter.CreateObservableGauge("g", () => runs.Select(run => new Measurement<int>(1, Tag("run", run))));
        Assert.Contains("g{run=\"a\"} 1\ng{run=\"b\"} 1\n", _registry.Write());

        runs.Remove("a");

        Assert.DoesNotContain("run=\"a\"", _registry.Write());
    }

    [Fact]
    public void Write_TagWithoutBound_StopsAtTheLimitAndCountsTheRest()
    {
        var counter = _meter.CreateCounter<int>("n");
        for (var value = 0; value < MetricsRegistry.MaxSeriesPerInstrument + 5; value++)
        {
            counter.Add(1, Tag("v", value));
        }
        counter.Add(1, Tag("v", 0));

        var text = _registry.Write();

        Assert.Equal(MetricsRegistry.MaxSeriesPerInstrument, text.Split('\n').Count(line => line.StartsWith("n_total{", StringComparison.Ordinal)));
        Assert.Contains("n_total{v=\"0\"} 2\n", text);
        Assert.EndsWith(OwnMetrics(5, 0), text);
    }

    [Fact]
    public void Write_NameTakenByAnotherKind_CountsItsMeasurementsAsDropped()
    {
        _meter.CreateCounter<int>("x_total").Add(1);
        _meter.CreateGauge<int>("x_total").Record(7);

        var text = _registry.Write();

        Assert.Contains("x_total 1\n", text);
        Assert.EndsWith(OwnMetrics(1, 0), text);
    }

    [Fact]
    public void Write_ObservationThatThrows_HidesNoOther()
    {
        _meter.CreateObservableGauge("bad", (Func<int>)(() => throw new InvalidOperationException("no")));
        _meter.CreateObservableGauge("good", () => 4);

        var text = _registry.Write();

        Assert.Contains("good 4\n", text);
        Assert.EndsWith(OwnMetrics(0, 1), text);
    }

    [Fact]
    public void Write_OtherScopeOrOtherMeter_IsNotHeard()
    {
        using var others = new TestMeterFactory();
        others.Create(InstrumentNames.Meter).CreateCounter<int>("other").Add(1);
        _meters.Create("Something.Else").CreateCounter<int>("other").Add(1);

        Assert.Equal(OwnMetrics(0, 0), _registry.Write());
    }

    [Fact]
    public void Write_RecordedFromManyThreads_LosesNothing()
    {
        var counter = _meter.CreateCounter<long>("n");
        var histogram = _meter.CreateHistogram<double>("h");
        Parallel.For(0, 8, thread =>
        {
            for (var index = 0; index < 1000; index++)
            {
                counter.Add(1, Tag("t", index % 4));
                histogram.Record(index);
            }
        });

        var text = _registry.Write();

        Assert.All(Enumerable.Range(0, 4), tag => Assert.Contains($"n_total{{t=\"{tag}\"}} 2000\n", text));
        Assert.Contains("h_count 8000\n", text);
        Assert.Contains("h_sum 3996000\n", text);
    }

    private static string OwnMetrics(int dropped, int failed) => string.Format(System.Globalization.CultureInfo.InvariantCulture, Own, dropped, failed);

    private static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);
}
