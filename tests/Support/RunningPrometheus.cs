using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Tests.Support;

/// <summary>Debian's prometheus on a free loopback port, with the repository's configuration but for the address and the haste.</summary>
internal sealed class RunningPrometheus : IAsyncDisposable
{
    public const string Package = "prometheus";
    public const string Configuration = "deploy/prometheus/prometheus.yml";

    /// <summary>What stands for Grafana's $__rate_interval: four scrapes and more in any case.</summary>
    private const string RateInterval = "10s";

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

    /// <param name="program">Path of prometheus.</param>
    /// <param name="configuration">The text of <see cref="Configuration"/>.</param>
    /// <param name="coordinator">host:port of its /metrics and /targets.</param>
    public static RunningPrometheus Start(string program, string configuration, string coordinator)
    {
        var folder = Directory.CreateTempSubdirectory("prometheus-test-");
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
        var port = FreePort.Find();
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
        await task;
    }

    /// <summary>The queries that give no finite number for a run, each with what it gives.</summary>
    public async Task<IReadOnlyList<string>> FindEmptyAsync(IEnumerable<(string Title, string Expression)> queries, string run)
    {
        var empty = new List<string>();
        foreach (var (title, expression) in queries)
        {
            var result = await QueryAsync(expression.Replace("$__rate_interval", RateInterval, StringComparison.Ordinal).Replace("$run", run, StringComparison.Ordinal));
            if (!result.EnumerateArray().Any(series => IsNumber(series.GetProperty("value")[1].GetString()!)))
            {
                empty.Add($"{title}: {expression} gives {result}");
            }
        }

        return empty;
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

    private static bool IsNumber(string text) => double.IsFinite(double.Parse(text, CultureInfo.InvariantCulture));
}
