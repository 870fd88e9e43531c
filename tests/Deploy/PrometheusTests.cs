using Orchestrator.Coordinator.Host;
using Orchestrator.Telemetry.Prometheus;
using Orchestrator.Worker.Host;

namespace Orchestrator.Deploy.Tests;

/// <summary>A real Prometheus with our configuration, our pages and our board's queries.</summary>
public class PrometheusTests
{
    private const string Run = "run-20250102-a";

    // Rates need two samples in the window; a request proves that the scrape before it was stored.
    private const int EnoughScrapes = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Configuration_AsPromtoolSeesIt_IsSound()
    {
        var (exitCode, output) = await Tool.RunAsync(Tool.Require("promtool", RunningPrometheus.Package), "check", "config", Repository.PathOf(RunningPrometheus.Configuration));

        Assert.True(exitCode == 0, output);
        Assert.Contains("SUCCESS", output);
    }

    [Fact]
    public async Task Board_EveryQueryAgainstARealPrometheus_GivesNumbers()
    {
        var program = Tool.Require("prometheus", RunningPrometheus.Package);
        await using var first = await MetricsHost.StartAsync(EnoughScrapes, meters => Worker(new WorkerMetrics(meters)));
        await using var second = await MetricsHost.StartAsync(EnoughScrapes, meters => Worker(new WorkerMetrics(meters)));
        await using var coordinator = await MetricsHost.StartAsync(
            EnoughScrapes, meters => Coordinator(new CoordinatorMetrics(meters)),
            () => [PrometheusTarget.Worker(first.Address, "w-1", Run), PrometheusTarget.Worker(second.Address, "w-2", Run)]);
        await using var prometheus = RunningPrometheus.Start(program, Repository.Read(RunningPrometheus.Configuration), coordinator.Address);

        await prometheus.WaitAsync(Task.WhenAll(first.IsScrapedEnough, second.IsScrapedEnough, coordinator.IsScrapedEnough), Patience, () =>
            $"scrapes: coordinator {coordinator.Scrapes}, w-1 {first.Scrapes}, w-2 {second.Scrapes}; expected {EnoughScrapes} of each");

        Assert.Empty(await prometheus.FindEmptyAsync(Board.Queries(), Run));
        Assert.Equal($"[\"{Run}\"]", (await prometheus.GetAsync("label/run/values")).ToString());
        Assert.Equal("[\"w-1\",\"w-2\"]", (await prometheus.GetAsync("label/worker/values")).ToString());
    }

    private static Action<int> Worker(WorkerMetrics metrics) => scrape => MetricsFeed.Feed(metrics, scrape);

    private static Action<int> Coordinator(CoordinatorMetrics metrics) => scrape => MetricsFeed.Feed(metrics, Run, scrape);
}
