using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Orchestrator.Coordinator.Host;
using Orchestrator.Core.Messages;
using Orchestrator.Telemetry;
using Orchestrator.Telemetry.Prometheus;
using Orchestrator.Worker.Host;

namespace Orchestrator.Deploy.Tests;

public sealed class MetricsClassesTests : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddPrometheusMetrics().BuildServiceProvider();
    private readonly MetricsRegistry _registry;
    private readonly IMeterFactory _meters;

    public MetricsClassesTests()
    {
        _registry = _services.GetRequiredService<MetricsRegistry>();
        _meters = _services.GetRequiredService<IMeterFactory>();
    }

    public void Dispose() => _services.Dispose();

    [Fact]
    public void WorkerMetrics_EveryEvent_RecordsExactlyTheInstrumentsOfAWorker()
    {
        var seen = Listen(() =>
        {
            var metrics = new WorkerMetrics(_meters);
            MetricsFeed.Feed(metrics, 1);
            metrics.Released();
        });

        Assert.Equal(Describe(InstrumentNames.OfWorker), seen);
    }

    [Fact]
    public void CoordinatorMetrics_EveryEvent_RecordsExactlyTheInstrumentsOfACoordinator()
    {
        var seen = Listen(() => MetricsFeed.Feed(new CoordinatorMetrics(_meters), "run-1", 1));

        Assert.Equal(Describe(InstrumentNames.OfCoordinator), seen);
    }

    [Fact]
    public void StepCompleted_OfAWorker_CountsSamplesBytesAndPhases()
    {
        var metrics = new WorkerMetrics(_meters);
        metrics.GenerationEntered(4, 3);
        metrics.StepCompleted(new StepSeconds(0.25, 0.01, 0.2, 0.03, 0.02), 12, 4096);
        metrics.StepCompleted(new StepSeconds(0.75, 0.01, 0.2, 0.03, 0.02), 12, 4096);

        var text = _registry.Write();

        Assert.Contains("orchestrator_worker_generation 4\n", text);
        Assert.Contains("orchestrator_worker_logical_ranks 3\n", text);
        Assert.Contains("orchestrator_worker_steps_total 2\n", text);
        Assert.Contains("orchestrator_worker_samples_total 24\n", text);
        Assert.Contains("orchestrator_worker_all_reduce_sent_bytes_total 8192\n", text);
        Assert.Contains("orchestrator_worker_step_seconds_bucket{le=\"0.25\"} 1\n", text);
        Assert.Contains("orchestrator_worker_step_seconds_sum 1\n", text);
        Assert.Contains("orchestrator_worker_phase_seconds_sum{phase=\"forward_backward\"} 0.4\n", text);
        Assert.Contains("orchestrator_worker_phase_seconds_count{phase=\"optimizer\"} 2\n", text);
    }

    [Fact]
    public void RunStateChanged_SomeState_IsTheOnlyOneWithOne()
    {
        var metrics = new CoordinatorMetrics(_meters);
        metrics.RunStateChanged("a", "running");
        metrics.RunStateChanged("b", "queued");
        metrics.RunStateChanged("a", "succeeded");

        var text = _registry.Write();

        foreach (var state in InstrumentNames.RunStates)
        {
            Assert.Contains($"orchestrator_run_state{{run=\"a\",state=\"{state}\"}} {(state == "succeeded" ? 1 : 0)}\n", text);
            Assert.Contains($"orchestrator_run_state{{run=\"b\",state=\"{state}\"}} {(state == "queued" ? 1 : 0)}\n", text);
        }
        Assert.DoesNotContain("orchestrator_run_loss{", text);
        Assert.Throws<ArgumentException>(() => metrics.RunStateChanged("a", "thinking"));
    }

    [Fact]
    public void Update_MoreRunsThanTheLimit_TheOldestGo()
    {
        var metrics = new CoordinatorMetrics(_meters);
        for (var number = 0; number < CoordinatorMetrics.MaxRuns + 2; number++)
        {
            metrics.CheckpointFailed($"run-{number:D3}");
        }

        var lines = _registry.Write().Split('\n').Where(line => line.StartsWith("orchestrator_run_checkpoints_total{result=\"failed\"", StringComparison.Ordinal)).ToList();

        Assert.Equal(CoordinatorMetrics.MaxRuns, lines.Count);
        Assert.Equal("orchestrator_run_checkpoints_total{result=\"failed\",run=\"run-002\"} 1", lines[0]);
    }

    /// <summary>Name, unit, help and all tag names of every instrument that was made and recorded.</summary>
    private IEnumerable<string> Listen(Action act)
    {
        var tags = new Dictionary<Instrument, SortedSet<string>>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, _meters) && instrument.Meter.Name == InstrumentNames.Meter)
            {
                self.EnableMeasurementEvents(instrument);
            }
        };
        void Note<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> items, object? state)
        {
            var known = tags.TryGetValue(instrument, out var set) ? set : tags[instrument] = new SortedSet<string>(StringComparer.Ordinal);
            foreach (var (key, _) in items)
            {
                known.Add(key);
            }
        }
        listener.SetMeasurementEventCallback<long>(Note);
        listener.SetMeasurementEventCallback<double>(Note);
        listener.Start();
        act();
        listener.RecordObservableInstruments();
        return tags.Select(item => $"{item.Key.Name} [{item.Key.Unit}] {item.Key.Description} {string.Join(' ', item.Value)}").Order(StringComparer.Ordinal).ToList();
    }

    private static IEnumerable<string> Describe(IEnumerable<InstrumentSpec> specs) =>
        specs.Select(spec => $"{spec.Name} [{spec.Unit}] {spec.Help} {string.Join(' ', spec.Tags.Order(StringComparer.Ordinal))}").Order(StringComparer.Ordinal).ToList();
}
