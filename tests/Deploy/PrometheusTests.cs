using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Orchestrator.Coordinator.Host;
using Orchestrator.Telemetry.Prometheus;
using Orchestrator.Worker.Host;

namespace Orchestrator.Deploy.Tests;

/// <summary>A real Prometheus with our configuration, our pages and our board's queries.</summary>
public class PrometheusTests
{
    private const string Package = "prometheus";
    private const string Configuration = "deploy/prometheus/prometheus.yml";
    private const string Run = "run-20250102-a";

    // Rates need two samples in the window; a request proves that the scrape before it was stored.
    private const int EnoughScrapes = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Configuration_AsPromtoolSeesIt_IsSound()
    {
        var (exitCode, output) = await Tool.RunAsync(Tool.Require("promtool", Package), "check", "config", Repository.PathOf(Configuration));

        Assert.True(exitCode == 0, output);
        Assert.Contains("SUCCESS", output);
    }

    [Fact]
    public async Task Board_EveryQueryAgainstARealPrometheus_GivesNumbers()
    {
        var program = Tool.Require("prometheus", Package);
        await using var first = await MetricsHost.StartAsync(EnoughScrapes, meters => Worker(new WorkerMetrics(meters)));
        await using var second = await MetricsHost.StartAsync(EnoughScrapes, meters => Worker(new WorkerMetrics(meters)));
        await using var coordinator = await MetricsHost.StartAsync(
            EnoughScrapes, meters => Coordinator(new CoordinatorMetrics(meters)),
            () => [PrometheusTarget.Worker(first.Address, "w-1", Run), PrometheusTarget.Worker(second.Address, "w-2", Run)]);
        await using var prometheus = RunningPrometheus.Start(program, coordinator.Address);

        await prometheus.WaitAsync(Task.WhenAll(first.IsScrapedEnough, second.IsScrapedEnough, coordinator.IsScrapedEnough), Patience, () =>
            $"scrapes: coordinator {coordinator.Scrapes}, w-1 {first.Scrapes}, w-2 {second.Scrapes}; expected {EnoughScrapes} of each");

        var empty = new List<string>();
        foreach (var (title, expression) in Board.Queries())
        {
            var result = await prometheus.QueryAsync(expression.Replace("$__rate_interval", "10s", StringComparison.Ordinal).Replace("$run", Run, StringComparison.Ordinal));
            if (!result.EnumerateArray().Any(series => IsNumber(series.GetProperty("value")[1].GetString()!)))
            {
                empty.Add($"{title}: {expression} gives {result}");
            }
        }
        Assert.Empty(empty);
        Assert.Equal($"[\"{Run}\"]", (await prometheus.GetAsync("label/run/values")).ToString());
        Assert.Equal("[\"w-1\",\"w-2\"]", (await prometheus.GetAsync("label/worker/values")).ToString());
    }

    private static Action<int> Worker(WorkerMetrics metrics) => scrape => MetricsFeed.Feed(metrics, scrape);

    private static Action<int> Coordinator(CoordinatorMetrics metrics) => scrape => MetricsFeed.Feed(metrics, Run, scrape);

    private static bool IsNumber(string text) => double.IsFinite(double.Parse(text, CultureInfo.InvariantCulture));

    /// <summary>Debian's prometheus on a free loopback port, with the repository's configuration but for the address and the haste.</summary>
    private sealed class RunningPrometheus : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly DirectoryInfo _folder;
        private readonly HttpClient _client;
        private readonly Task<string> _log;

        private RunningPrometheus(Process process, DirectoryInfo folder, int port)
        {
            _process = process;
            _folder = folder;
            _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/api/v1/") };
            _log = process.StandardError.ReadToEndAsync();
        }

        public static RunningPrometheus Start(string program, string coordinator)
        {
            var folder = Directory.CreateTempSubdirectory("prometheus-test-");
            var configuration = Repository.Read(Configuration);
            foreach (var (from, to) in new[]
            {
                ("coordinator:7071", coordinator), ("scrape_interval: 5s", "scrape_interval: 200ms"), ("scrape_timeout: 4s", "scrape_timeout: 200ms"),
                ("refresh_interval: 5s", "refresh_interval: 1s"),
            })
            {
                Assert.Contains(from, configuration);
                configuration = configuration.Replace(from, to, StringComparison.Ordinal);
            }
            var path = Path.Combine(folder.FullName, "prometheus.yml");
            File.WriteAllText(path, configuration);
            var port = FreePort();
            var process = Process.Start(new ProcessStartInfo(
                program,
                [
                    $"--config.file={path}", $"--storage.tsdb.path={Path.Combine(folder.FullName, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
                ])
            { RedirectStandardError = true })!;
            return new RunningPrometheus(process, folder, port);
        }

        public async Task WaitAsync(Task task, TimeSpan patience, Func<string> state)
        {
            var ended = _process.WaitForExitAsync();
            await Task.WhenAny(task, ended, Task.Delay(patience));
            if (ended.IsCompleted)
            {
                Assert.Fail($"Prometheus ended with {_process.ExitCode}: {await _log}");
            }
            Assert.True(task.IsCompleted, $"After {patience}: {state()}");
        }

        public Task<JsonElement> QueryAsync(string expression) => GetAsync("query?query=" + Uri.EscapeDataString(expression), "result");

        public Task<JsonElement> GetAsync(string path) => GetAsync(path, null);

        private async Task<JsonElement> GetAsync(string path, string? property)
        {
            using var response = await _client.GetAsync(path);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, $"{Uri.UnescapeDataString(path)}: {text}");
            var data = JsonDocument.Parse(text).RootElement.GetProperty("data");
            return property is null ? data : data.GetProperty(property);
        }

        public async ValueTask DisposeAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _client.Dispose();
            _folder.Delete(recursive: true);
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
