using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Telemetry.Prometheus;
using System.Diagnostics.Metrics;

namespace Orchestrator.Telemetry.Tests.Prometheus;

public class PrometheusEndpointsTests
{
    [Fact]
    public async Task Map_MetricsAndTargets_AreServedInTheFormatsOfPrometheus()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddPrometheusMetrics();
        await using var app = builder.Build();
        app.MapMetrics();
        app.MapPrometheusTargets(() => [PrometheusTarget.Worker("b:2", "w-2", null), PrometheusTarget.Worker("a:1", "w-1", "run-1")]);
        await app.StartAsync();
        app.Services.GetRequiredService<IMeterFactory>().Create(InstrumentNames.Meter).CreateCounter<int>("n").Add(3);
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };

        using var metrics = await client.GetAsync("/metrics");
        using var targets = await client.GetAsync("/targets");

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", metrics.Content.Headers.ContentType!.ToString());
        Assert.Contains("n_total 3\n", await metrics.Content.ReadAsStringAsync());
        Assert.Equal("application/json", targets.Content.Headers.ContentType!.MediaType);
        Assert.Equal(
            """[{"targets":["a:1"],"labels":{"role":"worker","run":"run-1","worker":"w-1"}},{"targets":["b:2"],"labels":{"role":"worker","worker":"w-2"}}]""",
            await targets.Content.ReadAsStringAsync());
    }
}
